import type { Clock } from '../core/clock.ts'
import { type Input, InputQueue } from './inputs.ts'
import { Pacer } from './pacer.ts'

/** Brings inputs to the host over whichever connection there is, in order and no faster than a host takes them. */
export class Sender {
  readonly inputs = new InputQueue()
  readonly #clock: Clock
  #send: ((frame: Uint8Array) => void) | undefined
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
  begin(acknowledged: number, send: (frame: Uint8Array) => void): void {
    this.inputs.welcomed(acknowledged)
    this.#pacer = new Pacer(this.#clock.now())
    this.#send = send
    this.#flush()
  }

  /** The connection is gone; inputs wait for the next. */
  end(): void {
    this.#send = undefined
    clearTimeout(this.#later)
  }

  /** Sends what may be sent now; the rest follows by itself. */
  #flush(): void {
    clearTimeout(this.#later)
    while (this.#send !== undefined && this.inputs.unsent) {
      const waitMs = this.#pacer.take(this.#clock.now())
      if (waitMs > 0) {
        this.#later = setTimeout(() => this.#flush(), waitMs)
        return
      }
      const frame = this.inputs.take()
      if (frame !== undefined) this.#send(frame)
    }
  }
}
