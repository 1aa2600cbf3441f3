import type { Log } from '../../core/ports/log-port.ts'
import { DROPPED_TOLD_EVERY } from '../../core/timing.ts'

/** Tells those who run it that connections are cut, because there are too many if nothing else is said: now and then, and how many. */
export class Dropped {
  readonly #log: Log
  readonly #whose: string
  readonly #why: string
  #count = 0
  #toldAt = Number.NEGATIVE_INFINITY

  /** `whose`: the name of the port. */
  constructor(log: Log, whose: string, why = 'too many connections: those of who has most are cut, the quiet ones first') {
    this.#log = log
    this.#whose = whose
    this.#why = why
  }

  /** One was; `connections` are open. */
  add(connections: number): void {
    this.#count += 1
    const now = performance.now()
    if (now - this.#toldAt < DROPPED_TOLD_EVERY) return
    this.#toldAt = now
    this.#log.warn({ app: this.#whose, connections, dropped: this.#count }, this.#why)
    this.#count = 0
  }
}
