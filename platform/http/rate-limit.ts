import type { Clock } from '../../core/clock.ts'
import { NETWORKS_OF_SITE, networkOf, siteOf } from './network.ts'

export interface RateOptions {
  /** Requests a second that one network may make for ever; a site NETWORKS_OF_SITE times as many. */
  readonly perSecond: number
  /** Requests that it may make at once after a pause. */
  readonly burst: number
  /** So many networks are remembered, and as many sites; beyond, the one that was quiet the longest is forgotten. */
  readonly addresses: number
}

/** Generous: players behind one provider's address share it. What costs more than a look-up has its own, narrower bound. */
export const standardRate: RateOptions = { perSecond: 200, burst: 1_000, addresses: 10_000 }

/** A token bucket for each network, and one for each site. The answer is 0 (go ahead) or after how many milliseconds the next request is allowed. */
export function createRateLimit(options: RateOptions, clock: Clock): (address: string) => number {
  const ofNetwork = createBuckets(options, clock)
  const { perSecond, burst } = options
  const ofSite = createBuckets({ ...options, perSecond: perSecond * NETWORKS_OF_SITE, burst: burst * NETWORKS_OF_SITE }, clock)
  return (address) => {
    const network = networkOf(address)
    const site = siteOf(network)
    const waitMs = ofNetwork(network)
    // What a network may not do costs the others of its site nothing.
    return waitMs > 0 || site === undefined ? waitMs : ofSite(site)
  }
}

function createBuckets(options: RateOptions, clock: Clock): (key: string) => number {
  const buckets = new Map<string, { tokens: number; at: number }>()
  return (key) => {
    const now = clock.now()
    const known = buckets.get(key)
    const tokens = known === undefined ? options.burst : refill(known, now, options)
    // Taken out and put back: a Map keeps the order of insertion, so the first key is the one that was quiet the longest.
    buckets.delete(key)
    buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now })
    if (buckets.size > options.addresses) {
      const [oldest] = buckets.keys()
      if (oldest !== undefined) buckets.delete(oldest)
    }
    return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) / options.perSecond) * 1_000)
  }
}

function refill(bucket: { tokens: number; at: number }, now: number, options: RateOptions): number {
  const elapsed = Math.max(0, now - bucket.at)
  return Math.min(options.burst, bucket.tokens + (elapsed / 1_000) * options.perSecond)
}
