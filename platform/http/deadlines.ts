/** What has so long and no longer. */
export interface Timed {
  /** performance.now, ms. */
  readonly began: number
  expire(): void
}

/**
 * The deadlines of all requests of one application. All have the same time, so the one that came first is due first: one timer does for all of them, and a request costs no timer
 * of its own.
 */
export class Deadlines {
  readonly #limit: number
  /** In the order in which they came. */
  readonly #open = new Set<Timed>()
  #timer: NodeJS.Timeout | undefined

  /** `limit`: how long each has, ms. */
  constructor(limit: number) {
    this.#limit = limit
  }

  add(one: Timed): void {
    this.#open.add(one)
    if (this.#timer === undefined) this.#wake(this.#limit)
  }

  delete(one: Timed): void {
    this.#open.delete(one)
  }

  #wake(inMs: number): void {
    // It outlives the last request: no process shall wait for it.
    this.#timer = setTimeout(this.#look, Math.ceil(inMs)).unref()
  }

  readonly #look = (): void => {
    this.#timer = undefined
    for (const one of this.#open) {
      const left = one.began + this.#limit - performance.now()
      if (left > 0) {
        this.#wake(left)
        return
      }
      this.#open.delete(one)
      one.expire()
    }
  }
}
