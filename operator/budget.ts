/** At most `limit` in any second, wherever the second begins: remembers when the last `limit` were. */
export class Budget {
  readonly #limit: number
  #times: number[] = []
  /** Where the oldest of the last `limit` stands, once there are so many. */
  #oldest = 0
  #latest = Number.NEGATIVE_INFINITY

  constructor(limit: number) {
    this.#limit = limit
  }

  /** How long (ms) until one more is allowed; 0: it is. A clock that was set back begins anew: it must not stop everything for as long. */
  waitAt(now: number): number {
    if (now < this.#latest) {
      this.#times = []
      this.#oldest = 0
      this.#latest = now
    }
    const oldest = this.#times.length < this.#limit ? undefined : this.#times[this.#oldest]
    return oldest === undefined ? 0 : Math.max(0, oldest + 1_000 - now)
  }

  spend(now: number): void {
    this.#latest = now
    if (this.#times.length < this.#limit) this.#times.push(now)
    else {
      this.#times[this.#oldest] = now
      this.#oldest = (this.#oldest + 1) % this.#limit
    }
  }
}
