import type { Timers } from '../../../core/clock.ts'
import type { Kernel } from './kernel.ts'

/** The time at which every schedule begins, as its processes see it: milliseconds since 1970. */
const EPOCH = 1_700_000_000_000

/**
 * A process of the simulated world: a clock of its own, which may be wrong, and a life. What is to happen in it (a timer, an answer that arrives, a client's frame) goes through
 * `deliver`: while it is paused that waits, and once it has crashed nothing happens in it any more.
 */
export class Process implements Timers {
  readonly name: string
  readonly #kernel: Kernel
  #skew = 0
  #alive = true
  #paused = false
  #waiting: (() => void)[] = []

  constructor(name: string, kernel: Kernel) {
    this.name = name
    this.#kernel = kernel
  }

  get alive(): boolean {
    return this.#alive
  }

  get paused(): boolean {
    return this.#paused
  }

  now(): number {
    return Math.floor(EPOCH + this.#kernel.now + this.#skew)
  }

  random(): number {
    return this.#kernel.random()
  }

  after(ms: number, call: () => void): () => void {
    let cancelled = false
    const drop = this.#kernel.after(ms, () =>
      this.deliver(() => {
        if (!cancelled) call()
      }),
    )
    return () => {
      cancelled = true
      drop()
    }
  }

  /** Lets something happen in this process: now, when it goes on, or never. */
  deliver(call: () => void): void {
    if (!this.#alive) return
    if (this.#paused) this.#waiting.push(call)
    else call()
  }

  jump(ms: number): void {
    this.#skew += ms
  }

  pause(): void {
    this.#paused = true
  }

  /** Goes on: what waited happens now, one thing after another. */
  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    const waiting = this.#waiting
    this.#waiting = []
    for (const call of waiting) this.#kernel.after(0, () => this.deliver(call))
  }

  /** Its memory is gone. */
  crash(): void {
    this.#alive = false
    this.#waiting = []
  }
}
