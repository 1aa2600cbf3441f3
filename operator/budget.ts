/** A little more than a second: a clock may tell whole milliseconds. */
const SECOND = 1_001

/**
 * At most `limit` take effect in any second, wherever the second begins and whoever counts: one that is begun takes effect somewhere between its beginning and its end, so it counts
 * from its beginning until a second after its end.
 */
export class Budget {
  readonly #limit: number
  #under = 0
  /** When those ended that still count, the first one first. */
  #ended: number[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  /** How long (ms, by a clock that never goes back) until one more is allowed; 0: it is; Infinity: one of those under way must end before. */
  waitAt(now: number): number {
    let over = 0
    while ((this.#ended[over] ?? now) <= now - SECOND) over += 1
    if (over > 0) this.#ended.splice(0, over)
    if (this.#under + this.#ended.length < this.#limit) return 0
    const [oldest] = this.#ended
    return oldest === undefined ? Number.POSITIVE_INFINITY : oldest + SECOND - now
  }

  begin(): void {
    this.#under += 1
  }

  end(now: number): void {
    this.#under -= 1
    this.#ended.push(now)
  }
}
