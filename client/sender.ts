import type { Clock } from '../core/clock.ts'
import { type Input, InputQueue } from './inputs.ts'
import { Pacer } from './pacer.ts'

/** Where inputs go, and the tick of the newest state that came from there. */
export interface Way {
  send(frame: Uint8Array): void
  seen(): number
}

/** Brings inputs to the host over whichever connection there is, in order and no faster than a host takes them. */
export class Sender {
  readonly inputs = new InputQueue()
  readonly #clock: Clock
  #way: Way | undefined
  #pacer: Pacer
  #later: ReturnType<typeof setTimeout> | undefined

  constructor(clock: Clock) {
    this.#clock = clock
    this.#pacer = new Pacer(clock.now())
  }

  /** Throws TooManyRequests when too many wait. */
  push(input: Input): void {
    this.inputs.push(input)
    this.#flush()
  }

  /** A connection was welcomed: what the host has not applied is sent again over it. */
  begin(acknowledged: number, way: Way): void {
    this.inputs.welcomed(acknowledged)
    this.#pacer = new Pacer(this.#clock.now())
    this.#way = way
    this.#flush()
  }

  /** The connection is gone; inputs wait for the next. */
  end(): void {
    this.#way = undefined
    clearTimeout(this.#later)
  }

  /** Sends what may be sent now; the rest follows by itself. */
  #flush(): void {
    clearTimeout(this.#later)
    while (this.#way !== undefined && this.inputs.unsent) {
      const waitMs = this.#pacer.take(this.#clock.now())
      if (waitMs > 0) {
        this.#later = setTimeout(() => this.#flush(), waitMs)
        return
      }
      const frame = this.inputs.take(this.#way.seen())
      if (frame !== undefined) this.#way.send(frame)
    }
  }
}
