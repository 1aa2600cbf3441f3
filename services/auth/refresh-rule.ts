import { REFRESH_GRACE } from '../../core/timing.ts'
import type { LiveSession } from './stored.ts'

/** How a refresh token came. */
export interface Renewal {
  /** The hash of the token's secret. */
  readonly hash: string
  /** The hash of the request's Idempotency-Key. */
  readonly key?: string | undefined
  /** From the cookie of a page of our own. */
  readonly fromPage: boolean
}

type Good = Pick<LiveSession, 'tokenHash' | 'siblings' | 'retired'>

/** Answers of one token that may have been lost, and are good beside the newest. */
const MAX_SIBLINGS = 3

/**
 * Which refresh tokens are good once `fresh` was given for this one: pure. Undefined: it was used before, so one of the two who have it is a thief (RFC 9700, 4.14.2).
 *
 * The answer to a renewal may never arrive: the network breaks, or a page is loaded anew in the middle of it. Whoever asks again then is no thief if it knows the key of the first request, which
 * the token's thief does not; or comes from a browser's page within REFRESH_GRACE, as the first request did: the token of a game has no such grace, however it is sent. It gets a token beside
 * the one that may be lost. The first of them that is used ends the others, so a thief who was that fast is found out with the next renewal, as ever.
 */
export function renew(live: Good, { hash, key, fromPage }: Renewal, fresh: string, now: number): Good | undefined {
  const good = [live.tokenHash, ...(live.siblings ?? [])]
  if (good.includes(hash))
    return {
      tokenHash: fresh,
      retired: { hashes: good, at: now, ...(key === undefined ? {} : { key }), ...(fromPage ? { fromPage } : {}) },
    }
  const { retired } = live
  if (retired === undefined || !retired.hashes.includes(hash)) return undefined
  const sameRequest = key !== undefined && retired.key === key
  const samePage = fromPage && retired.fromPage === true && now - retired.at < REFRESH_GRACE
  return sameRequest || samePage ? beside(live, fresh) : undefined
}

/** One more token is good. Of more than MAX_SIBLINGS others the oldest is not any more: whoever asks that often has none of their answers. */
export function beside({ tokenHash, siblings = [], retired }: Good, fresh: string): Good {
  return { tokenHash: fresh, siblings: [...siblings, tokenHash].slice(-MAX_SIBLINGS), ...(retired === undefined ? {} : { retired }) }
}
