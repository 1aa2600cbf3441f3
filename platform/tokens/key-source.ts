import type { JWSHeaderParameters, LocalJWKSet } from 'jose'
import { createLocalJWKSet, errors } from 'jose'
import type { Clock } from '../../core/clock.ts'
import { BailiwickError, describeError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { JWKS_CACHE, JWKS_COOLDOWN, JWKS_FETCH_DEADLINE } from '../../core/timing.ts'
import { z } from '../../core/validate/index.ts'

/** Finds the key that a token's header names. */
export type KeySource = (header: JWSHeaderParameters) => ReturnType<LocalJWKSet>

const jwksDocument = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(20) })

/**
 * Keys from a JWKS address. Fetched when first needed, when they are older than JWKS_CACHE (meanwhile the old ones serve: an outage of auth must not
 * become one of everybody) and when a token names an unknown key, never more often than every JWKS_COOLDOWN. Throws Busy while there never were any.
 */
export function remoteKeys(url: string, clock: Clock, log: Log): KeySource {
  let keys: LocalJWKSet | undefined
  let fetchedAt = Number.NEGATIVE_INFINITY
  let triedAt = Number.NEGATIVE_INFINITY
  let fetching: Promise<void> | undefined

  const refresh = (): Promise<void> => {
    if (fetching !== undefined) return fetching
    if (clock.now() - triedAt < JWKS_COOLDOWN) return Promise.resolve()
    triedAt = clock.now()
    fetching = fetchKeys(url)
      .then(
        (fetched) => {
          keys = fetched
          fetchedAt = clock.now()
        },
        (error: unknown) => log.warn({ url, detail: describeError(error) }, 'the signing keys could not be fetched'),
      )
      .finally(() => {
        fetching = undefined
      })
    return fetching
  }

  return async (header) => {
    if (keys === undefined) await refresh()
    else if (clock.now() - fetchedAt > JWKS_CACHE) void refresh()
    if (keys === undefined) {
      throw new BailiwickError('Busy', { found: 'no keys to check tokens with yet', todo: 'try again', retryAfterMs: JWKS_COOLDOWN })
    }
    try {
      return await keys(header)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      await refresh()
      return keys(header)
    }
  }
}

async function fetchKeys(url: string): Promise<LocalJWKSet> {
  const response = await fetch(url, {
    redirect: 'error',
    signal: AbortSignal.timeout(JWKS_FETCH_DEADLINE),
    headers: { accept: 'application/json' },
  })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return createLocalJWKSet(jwksDocument.parse(await response.json()))
}
