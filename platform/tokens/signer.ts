import { generateKeyPairSync } from 'node:crypto'
import type { JSONWebKeySet } from 'jose'
import { SignJWT } from 'jose'
import type { Clock } from '../../core/clock.ts'
import { systemClock } from '../../core/clock.ts'
import { ACCESS_TOKEN_TTL } from '../../core/timing.ts'
import type { Caller } from './claims.ts'
import { ALGORITHM, AUDIENCE, ISSUER } from './claims.ts'
import { KeyRing, readKeys, signingKey } from './key-ring.ts'
import type { Sealer } from './sealer.ts'
import { createSealer } from './sealer.ts'

/** Public keys as /.well-known/jwks.json shows them. */
export type PublicKeys = JSONWebKeySet

export interface TokenSigner {
  /** An access token for the caller, and how long it is valid. */
  sign(caller: Caller): Promise<{ readonly accessToken: string; readonly expiresInMs: number }>
  /** The keys that tokens may be checked with now; they change when keys do. */
  publicJwks(): PublicKeys
  /** What the same keys keep from others' eyes and hands. */
  readonly sealer: Sealer
  /** Other keys from now on, as PEM: the first one signs as soon as everybody can know it. Throws ConfigInvalid, and all stays as it was. */
  replaceKeys(pem: string): Promise<void>
}

/**
 * Signs with the first Ed25519 key of `pem` (one or several PKCS8 blocks; tokens of the others are good, too), or with a new one that lasts as long as the process. Throws ConfigInvalid
 * when a key is not of that kind.
 */
export async function createTokenSigner(options: { readonly pem?: string; readonly clock?: Clock } = {}): Promise<TokenSigner> {
  const clock = options.clock ?? systemClock
  const ring = new KeyRing(
    options.pem === undefined ? [await signingKey(generateKeyPairSync('ed25519').privateKey)] : await readKeys(options.pem),
  )
  return {
    sealer: createSealer(ring, clock),
    publicJwks: () => ({ keys: [...ring.published(clock.now())] }),
    async replaceKeys(pem) {
      ring.replace(await readKeys(pem), clock.now())
    },
    async sign(caller) {
      const { key, kid } = ring.signing(clock.now())
      const issued = Math.floor(clock.now() / 1_000)
      const accessToken = await new SignJWT({ name: caller.name, sid: caller.session, roles: [...caller.roles] })
        .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT', kid })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(caller.account)
        .setIssuedAt(issued)
        .setExpirationTime(issued + ACCESS_TOKEN_TTL / 1_000)
        .sign(key)
      return { accessToken, expiresInMs: ACCESS_TOKEN_TTL }
    },
  }
}
