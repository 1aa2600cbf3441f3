import { isIPv4, isIPv6 } from 'node:net'
import type { Clock } from '../../core/clock.ts'

export interface RateOptions {
  /** Requests a second that one address may make for ever. */
  readonly perSecond: number
  /** Requests that it may make at once after a pause. */
  readonly burst: number
  /** So many addresses are remembered; beyond, the one that was quiet the longest is forgotten. */
  readonly addresses: number
}

/** Generous: players behind one provider's address share it. What costs more than a look-up has its own, narrower bound. */
export const standardRate: RateOptions = { perSecond: 200, burst: 1_000, addresses: 10_000 }

/** A token bucket for each address. The answer is 0 (go ahead) or after how many milliseconds the next request is allowed. */
export function createRateLimit(options: RateOptions, clock: Clock): (address: string) => number {
  const buckets = new Map<string, { tokens: number; at: number }>()
  return (address) => {
    const now = clock.now()
    const key = networkOf(address)
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

/** What one customer has: an IPv4 address, or an IPv6 /64 network. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const mapped = /^::ffff:(.+)$/i.exec(address)?.[1]
  if (mapped !== undefined && isIPv4(mapped)) return mapped
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? []
  const first = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = tail === undefined ? first : [...first, ...Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0'), ...last]
  return groups
    .slice(0, 4)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':')
}
