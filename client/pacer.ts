import { INPUT_BURST, INPUT_RATE } from '../core/protocol/frame.ts'

/** A little below what hosts take, so that clocks that differ make nobody too fast. */
const RATE = INPUT_RATE * 0.8
const BURST = INPUT_BURST * 0.8

/** Says when the next input may be sent: hosts do not look at what comes faster, so it would be lost. */
export class Pacer {
  #tokens = BURST
  #at: number

  constructor(now: number) {
    this.#at = now
  }

  /** 0: go ahead, and that is counted. Else after how many milliseconds to ask again. */
  take(now: number): number {
    const elapsed = Math.max(0, now - this.#at)
    this.#at = now
    this.#tokens = Math.min(BURST, this.#tokens + (elapsed / 1_000) * RATE)
    if (this.#tokens >= 1) {
      this.#tokens -= 1
      return 0
    }
    return Math.ceil(((1 - this.#tokens) / RATE) * 1_000)
  }
}
