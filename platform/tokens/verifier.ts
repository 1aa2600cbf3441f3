import { createLocalJWKSet, errors, jwtVerify } from 'jose'
import type { Clock } from '../../core/clock.ts'
import { systemClock } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { silentLog } from '../../core/ports/log-port.ts'
import { ACCESS_TOKEN_TTL, TOKEN_CLOCK_TOLERANCE } from '../../core/timing.ts'
import type { Caller } from './claims.ts'
import { ALGORITHM, AUDIENCE, callerClaims, ISSUER } from './claims.ts'
import type { KeySource } from './key-source.ts'
import { remoteKeys } from './key-source.ts'
import type { PublicKeys } from './signer.ts'

export interface TokenVerifier {
  /** Who an access token speaks for. Throws Unauthenticated; Busy when there are no keys to check with yet. */
  verify(accessToken: string): Promise<Caller>
}

export interface VerifierOptions {
  readonly clock?: Clock
  readonly log?: Log
}

const MAX_TOKEN_LENGTH = 4_096

/** Checks tokens offline, with keys that are given or fetched from the auth service's JWKS address. */
export function createTokenVerifier(
  from: { readonly jwksUrl: string } | { readonly keys: PublicKeys | (() => PublicKeys) },
  options: VerifierOptions = {},
): TokenVerifier {
  const clock = options.clock ?? systemClock
  const keys = 'keys' in from ? givenKeys(from.keys) : remoteKeys(from.jwksUrl, clock, options.log ?? silentLog)
  return {
    async verify(accessToken) {
      if (accessToken.length > MAX_TOKEN_LENGTH) throw refusal('a token that is too long')
      try {
        const { payload } = await jwtVerify(accessToken, keys, {
          algorithms: [ALGORITHM],
          typ: 'JWT',
          issuer: ISSUER,
          audience: AUDIENCE,
          requiredClaims: ['exp', 'iat'],
          maxTokenAge: ACCESS_TOKEN_TTL / 1_000,
          clockTolerance: TOKEN_CLOCK_TOLERANCE / 1_000,
          currentDate: new Date(clock.now()),
        })
        return callerClaims.parse(payload)
      } catch (error) {
        if (error instanceof BailiwickError) throw error
        throw refusal(error instanceof errors.JWTExpired ? 'an expired token' : 'a token that is not valid', error)
      }
    },
  }
}

/** `keys` as a function: those that are good now. A set reads each of its keys once, so it is kept while they are the same objects. */
function givenKeys(keys: PublicKeys | (() => PublicKeys)): KeySource {
  if (typeof keys !== 'function') return createLocalJWKSet(keys)
  let known: { readonly keys: PublicKeys['keys']; readonly set: KeySource } | undefined
  return (header) => {
    const now = keys()
    const isSame = known?.keys.length === now.keys.length && now.keys.every((key, at) => key === known?.keys[at])
    if (known === undefined || !isSame) known = { keys: now.keys, set: createLocalJWKSet(now) }
    return known.set(header)
  }
}

/** The `auth` hook of routes: a bearer token in the Authorization header. */
export function bearer(verifier: TokenVerifier): (authorization: string | undefined) => Promise<Caller> {
  return async (authorization) => {
    const token = authorization === undefined ? undefined : /^Bearer ([^\s]+)$/i.exec(authorization)?.[1]
    if (token === undefined) throw refusal('no bearer token')
    return verifier.verify(token)
  }
}

function refusal(found: string, cause?: unknown): BailiwickError {
  return new BailiwickError('Unauthenticated', { found, todo: 'log in, or refresh the session', cause })
}
