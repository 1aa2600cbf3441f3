import type { KeyObject } from 'node:crypto'
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import type { JSONWebKeySet } from 'jose'
import { calculateJwkThumbprint, exportJWK, SignJWT } from 'jose'
import type { Clock } from '../../core/clock.ts'
import { systemClock } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import { ACCESS_TOKEN_TTL } from '../../core/timing.ts'
import type { Caller } from './claims.ts'
import { ALGORITHM, AUDIENCE, ISSUER } from './claims.ts'

/** Public keys as /.well-known/jwks.json shows them. */
export type PublicKeys = JSONWebKeySet

export interface TokenSigner {
  /** An access token for the caller, and how long it is valid. */
  sign(caller: Caller): Promise<{ readonly accessToken: string; readonly expiresInMs: number }>
  publicJwks(): PublicKeys
}

/**
 * Signs with the Ed25519 key of `pem` (PKCS8), or with a new one that lasts as long as the process. Throws ConfigInvalid when the key is
 * not of that kind.
 */
export async function createTokenSigner(options: { readonly pem?: string; readonly clock?: Clock } = {}): Promise<TokenSigner> {
  const key = options.pem === undefined ? generateKeyPairSync('ed25519').privateKey : readKey(options.pem)
  const clock = options.clock ?? systemClock
  const publicJwk = await exportJWK(createPublicKey(key))
  const kid = await calculateJwkThumbprint(publicJwk)
  const published: PublicKeys = { keys: [{ ...publicJwk, kid, alg: ALGORITHM, use: 'sig' }] }
  return {
    publicJwks: () => published,
    async sign(caller) {
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

function readKey(pem: string): KeyObject {
  const todo = 'make one with: openssl genpkey -algorithm ed25519'
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch {
    // The library's error is left out: it may quote the key.
    throw new BailiwickError('ConfigInvalid', { asked: 'a signing key', found: 'a text that is no PKCS8 PEM private key', todo })
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new BailiwickError('ConfigInvalid', { asked: 'an Ed25519 signing key', found: `a key of type ${key.asymmetricKeyType}`, todo })
  }
  return key
}
