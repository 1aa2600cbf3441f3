import type { Timers } from '../core/clock.ts'

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
  readonly #timers: Timers
  readonly #tick: () => void
  #period: number
  #next: number
  /** Undefined: it was stopped. */
  #cancel: (() => void) | undefined

  constructor(timers: Timers, rateHz: number, tick: () => void) {
    this.#timers = timers
    this.#tick = tick
    this.#period = 1_000 / rateHz
    this.#next = timers.now() + this.#period
    this.#wait()
  }

  setRate(rateHz: number): void {
    this.#period = 1_000 / rateHz
  }

  /** The next tick is due now; those after it keep its beat. */
  hurry(): void {
    if (this.#cancel === undefined) return
    this.#cancel()
    this.#next = Math.min(this.#next, this.#timers.now())
    this.#wait(0)
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #wait(least = 1): void {
    this.#cancel = this.#timers.after(Math.max(least, this.#next - this.#timers.now()), () => this.#wake())
  }

  #wake(): void {
    const { run, next } = ticksDue(this.#timers.now(), this.#next, this.#period)
    this.#next = next
    for (let i = 0; i < run && this.#cancel !== undefined; i++) this.#tick()
    if (this.#cancel !== undefined) this.#wait()
  }
}
