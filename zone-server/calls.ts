import { describeError } from '../core/errors.ts'
import type { Log } from '../core/ports/log-port.ts'

/** Calls under way, at most one of a kind. After a failure its kind rests, so that an outage is no storm of calls, nor of lines in the log. */
export class Calls<Kind extends string> {
  readonly #log: Log
  readonly #restMs: number
  readonly #busy = new Set<Kind>()
  readonly #failures = new Map<Kind, number>()
  #ended = false

  constructor(log: Log, restMs: number) {
    this.#log = log
    this.#restMs = restMs
  }

  /** The kinds that can't be called now. */
  get busy(): ReadonlySet<Kind> {
    return this.#busy
  }

  /** Nobody makes calls any more. Those that are under way may fail: what they were made on is closed next, and that is no news. */
  end(): void {
    this.#ended = true
  }

  /** Starts a call; `then` follows when another of its kind may be made. Never throws. */
  start(kind: Kind, work: () => Promise<void>, then: () => void): void {
    this.#busy.add(kind)
    const free = (): void => {
      this.#busy.delete(kind)
      then()
    }
    Promise.resolve()
      .then(work)
      .then(
        () => {
          this.#failures.delete(kind)
          free()
        },
        (error: unknown) => {
          if (this.#ended) return
          const failures = (this.#failures.get(kind) ?? 0) + 1
          this.#failures.set(kind, failures)
          // The 1st, 2nd, 4th, 8th … in a row.
          if ((failures & (failures - 1)) === 0)
            this.#log.warn({ call: kind, failures, detail: describeError(error) }, 'a call of the host failed')
          setTimeout(free, this.#restMs).unref()
        },
      )
  }
}
