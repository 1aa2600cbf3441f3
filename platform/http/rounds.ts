import { HTTP_ROUND } from '../../core/timing.ts'

export interface RoundsOptions {
  /** Milliseconds that only go forward. Default: performance.now. */
  readonly now?: () => number
  /** Calls back in the event loop's next round. Default: setImmediate. */
  readonly nextRound?: (call: () => void) => void
}

/**
 * When the requests of one server are begun. A round of the event loop answers whatever has come, and takes one new connection of each port: where hundreds of requests have come at once, everybody would wait for all of
 * them, in each of the steps that an answer takes, and new connections behind them. So a round begins requests for HTTP_ROUND at most, and the rest in the next ones. Those that were sent ahead, behind another one
 * of their connection, come after all others, but one a round: hardly a client sends any.
 */
export class Rounds {
  readonly #now: () => number
  readonly #nextRound: (call: () => void) => void
  /** In the order in which they came; one for each connection at most. */
  readonly #waiting = new Set<() => void>()
  readonly #ahead = new Set<() => void>()
  /** When this round began its first; undefined: it has not. */
  #began: number | undefined
  #isNextAsked = false

  constructor(options: RoundsOptions = {}) {
    this.#now = options.now ?? performance.now.bind(performance)
    this.#nextRound = options.nextRound ?? setImmediate
  }

  /** Begins it now, or in one of the next rounds. */
  add(begin: () => void): void {
    if (this.#waiting.size === 0 && this.#hasTime()) begin()
    else this.#waiting.add(begin)
    this.#askNext()
  }

  /** Begins what was sent ahead, in one of the next rounds. */
  addAhead(begin: () => void): void {
    this.#ahead.add(begin)
    this.#askNext()
  }

  #hasTime(): boolean {
    const now = this.#now()
    this.#began ??= now
    return now - this.#began < HTTP_ROUND
  }

  #askNext(): void {
    if (this.#isNextAsked) return
    this.#isNextAsked = true
    this.#nextRound(this.#round)
  }

  readonly #round = (): void => {
    this.#isNextAsked = false
    this.#began = this.#now()
    for (const begin of this.#waiting) {
      if (!this.#hasTime()) break
      this.#waiting.delete(begin)
      begin()
    }
    let begun = 0
    for (const begin of this.#ahead) {
      if (begun > 0 && !this.#hasTime()) break
      this.#ahead.delete(begin)
      begun += 1
      begin()
    }
    // What comes until then has a time of its own.
    this.#began = undefined
    if (this.#waiting.size + this.#ahead.size > 0) this.#askNext()
  }
}
