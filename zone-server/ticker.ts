import type { Clock } from '../core/clock.ts'

/** After a pause so many ticks are caught up at once; the rest of the lost time stays lost. */
export const MAX_CATCH_UP = 5

/**
 * How many ticks are due at `now`, if the next one was due at `next`, and when the one after them is. Ticks keep their beat: a late one does not
 * delay those after it. A clock that jumped, in either direction, starts a new beat.
 */
export function ticksDue(now: number, next: number, period: number): { readonly run: number; readonly next: number } {
  if (now < next) return next - now > period ? { run: 0, next: now + period } : { run: 0, next }
  const due = Math.floor((now - next) / period) + 1
  if (due > MAX_CATCH_UP) return { run: MAX_CATCH_UP, next: now + period }
  return { run: due, next: next + due * period }
}

/** Calls `tick` at a fixed rate until it is stopped. */
export class Ticker {
  readonly #clock: Clock
  readonly #tick: () => void
  #period: number
  #next: number
  #timer: NodeJS.Timeout | undefined

  constructor(clock: Clock, rateHz: number, tick: () => void) {
    this.#clock = clock
    this.#tick = tick
    this.#period = 1_000 / rateHz
    this.#next = clock.now() + this.#period
    this.#wait()
  }

  setRate(rateHz: number): void {
    this.#period = 1_000 / rateHz
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #wait(): void {
    this.#timer = setTimeout(() => this.#wake(), Math.max(1, this.#next - this.#clock.now()))
  }

  #wake(): void {
    const { run, next } = ticksDue(this.#clock.now(), this.#next, this.#period)
    this.#next = next
    for (let i = 0; i < run && this.#timer !== undefined; i++) this.#tick()
    if (this.#timer !== undefined) this.#wait()
  }
}
