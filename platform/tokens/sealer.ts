import { hkdfSync } from 'node:crypto'
import { EncryptJWT, errors, jwtDecrypt } from 'jose'
import type { Clock } from '../../core/clock.ts'
import type { JsonObject } from '../../core/ports/store-port.ts'
import type { KeyRing, SigningKey } from './key-ring.ts'

/**
 * Gives something to a client to bring back, which it can neither read nor change: so that no server keeps it. Whoever has the same signing keys can open it, other replicas too.
 */
export interface Sealer {
  /** A text of the letters of base64url and dots. `purpose`: what is sealed for one can't be opened for another. */
  seal(purpose: string, data: JsonObject, ttlMs: number): Promise<string>
  /** What was sealed; undefined: by somebody else, for another purpose, or too long ago. */
  open(purpose: string, sealed: string): Promise<unknown>
}

const CIPHER = 'A256GCM'
const MAX_SEALED = 4_096

/** Seals with keys that are derived from the signing keys (HKDF, RFC 5869): encrypted JWTs (`dir`, A256GCM). */
export function createSealer(ring: KeyRing, clock: Clock): Sealer {
  return {
    async seal(purpose, data, ttlMs) {
      const key = ring.signing(clock.now())
      return new EncryptJWT({ data })
        .setProtectedHeader({ alg: 'dir', enc: CIPHER, kid: key.kid })
        .setAudience(purpose)
        .setExpirationTime(new Date(clock.now() + ttlMs))
        .encrypt(secretOf(key))
    },
    async open(purpose, sealed) {
      if (sealed.length > MAX_SEALED) return undefined
      try {
        const { payload } = await jwtDecrypt(sealed, ({ kid }) => secretOf(keyOf(ring, kid, clock.now())), {
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: [CIPHER],
          audience: purpose,
          requiredClaims: ['exp'],
          currentDate: new Date(clock.now()),
        })
        return payload['data']
      } catch (error) {
        // Whatever is wrong with it: it came from outside.
        if (error instanceof errors.JOSEError) return undefined
        throw error
      }
    },
  }
}

function keyOf(ring: KeyRing, kid: string | undefined, now: number): SigningKey {
  const found = ring.known(now).find((key) => key.kid === kid)
  if (found === undefined) throw new errors.JWEInvalid('sealed with a key that is not known')
  return found
}

function secretOf({ key }: SigningKey): Uint8Array {
  const material = key.export({ type: 'pkcs8', format: 'der' })
  return new Uint8Array(hkdfSync('sha256', material, new Uint8Array(), 'bailiwick sealed texts', 32))
}
