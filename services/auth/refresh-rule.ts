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

/** Answers of one token that may have been lost. */
const MAX_SIBLINGS = 3

/**
 * Which refresh tokens are good once `fresh` was given for this one: pure. Undefined: it was used before, so one of the two who have it is a thief (RFC 9700, 4.14.2).
 *
 * The answer to a renewal may never arrive: the network breaks, or a page is loaded anew in the middle of it. Whoever asks again then is no thief if it knows the key of the first request, which
 * the token's thief does not; or comes from the same browser's page within REFRESH_GRACE. It gets a token beside the one that may be lost. The first of them that is used ends the others, so a
 * thief who was that fast is found out with the next renewal, as ever.
 */
export function renew(live: Good, { hash, key, fromPage }: Renewal, fresh: string, now: number): Good | undefined {
  const good = [live.tokenHash, ...(live.siblings ?? [])]
  if (good.includes(hash)) return { tokenHash: fresh, retired: { hashes: good, at: now, ...(key === undefined ? {} : { key }) } }
  const { retired } = live
  if (retired === undefined || !retired.hashes.includes(hash)) return undefined
  const sameRequest = key !== undefined && retired.key === key
  const samePage = fromPage && now - retired.at < REFRESH_GRACE
  return sameRequest || samePage ? beside(live, fresh) : undefined
}

/** One more token is good; undefined: there are as many as there may be. */
export function beside({ tokenHash, siblings = [], retired }: Good, fresh: string): Good | undefined {
  if (siblings.length >= MAX_SIBLINGS) return undefined
  return { tokenHash: fresh, siblings: [...siblings, tokenHash], ...(retired === undefined ? {} : { retired }) }
}
