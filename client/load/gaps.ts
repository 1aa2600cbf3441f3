/** A bucket of the distribution over all clients is this wide, in milliseconds … */
const FINE = 0.1
const FINE_BUCKETS = 20_000
/** … and one of a single client's. */
const COARSE = 1
const COARSE_BUCKETS = 500

export interface GapReport {
  /** Over all gaps of all clients, milliseconds; a percentile is the upper edge of its bucket (0.1 ms). */
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** The p99 of the client that fares worst, milliseconds (1 ms buckets). */
  readonly worstClientP99: number
  readonly count: number
}

/** The gaps between one state frame and the next, client by client, in a memory that does not grow with time. */
export class Gaps {
  readonly #all = new Uint32Array(FINE_BUCKETS)
  readonly #each: Uint16Array
  readonly #last: Float64Array
  #max = 0
  #count = 0

  constructor(clients: number) {
    this.#each = new Uint16Array(clients * COARSE_BUCKETS)
    this.#last = new Float64Array(clients)
  }

  /** Client `i` got a state frame at `now` (milliseconds of a clock that only goes forward). */
  frame(i: number, now: number): void {
    const last = this.#last[i] ?? 0
    this.#last[i] = now
    if (last === 0) return
    const gap = now - last
    const fine = Math.min(FINE_BUCKETS - 1, Math.floor(gap / FINE))
    const coarse = i * COARSE_BUCKETS + Math.min(COARSE_BUCKETS - 1, Math.floor(gap / COARSE))
    this.#all[fine] = (this.#all[fine] ?? 0) + 1
    this.#each[coarse] = (this.#each[coarse] ?? 0) + 1
    if (gap > this.#max) this.#max = gap
    this.#count++
  }

  /** Forgets the gaps, but not when each client got its last frame. */
  reset(): void {
    this.#all.fill(0)
    this.#each.fill(0)
    this.#max = 0
    this.#count = 0
  }

  report(): GapReport {
    let worst = 0
    for (let from = 0; from < this.#each.length; from += COARSE_BUCKETS) {
      worst = Math.max(worst, percentile(this.#each.subarray(from, from + COARSE_BUCKETS), 0.99) * COARSE)
    }
    const p50 = percentile(this.#all, 0.5) * FINE
    return { p50, p99: percentile(this.#all, 0.99) * FINE, max: this.#max, worstClientP99: worst, count: this.#count }
  }
}

/** The upper edge (in buckets) of the bucket that holds this share of all counts from below; 0 when there are none. */
export function percentile(buckets: Uint32Array | Uint16Array, share: number): number {
  let total = 0
  for (const count of buckets) total += count
  if (total === 0) return 0
  let seen = 0
  for (const [bucket, count] of buckets.entries()) {
    seen += count
    if (seen >= total * share) return bucket + 1
  }
  return buckets.length
}
