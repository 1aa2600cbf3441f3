import type { Timers } from '../core/clock.ts'
import { SEND_GROUP_EVERY } from '../core/timing.ts'

/** Clients are sent a tick in so many groups, one after another: one burst would keep the last of them, and all inputs, waiting. */
export const GROUPS = 50

interface Wave<T> {
  readonly what: T
  /** Between two groups, ms. */
  readonly every: number
  /** To how many groups it goes. */
  readonly groups: number
  at: number
  /** The group that comes next. */
  next: number
}

/**
 * Spreads the sending of ticks: each is sent to group after group from its release on, so that each client gets its frames as evenly as ticks are released. Ticks overlap when they
 * are released in quick succession; to each group they go in order.
 */
export class Spread<T> {
  readonly #timers: Timers | undefined
  readonly #send: (what: T, group: number) => void
  readonly #onSent: (what: T) => void
  #waves: Wave<T>[] = []
  #sending = false

  /** Without timers nothing is spread: what is released is sent at once. */
  constructor(timers: Timers | undefined, send: (what: T, group: number) => void, onSent: (what: T) => void) {
    this.#timers = timers
    this.#send = send
    this.#onSent = onSent
  }

  /** Begins to send to the first so many groups; `withinMs`: all groups are not to take longer than that. */
  release(what: T, groups: number, withinMs: number): void {
    this.#waves.push({ what, groups, every: Math.min(SEND_GROUP_EVERY, withinMs / GROUPS), at: this.#timers?.now() ?? 0, next: 0 })
    if (this.#timers === undefined) this.#run(Number.POSITIVE_INFINITY)
    else if (this.#waves.length === 1) this.#slot(this.#timers)
  }

  /** What is on its way and has not come to this group yet, in order. */
  *dueFor(group: number): Iterable<T> {
    for (const { what, next, groups } of this.#waves) if (group >= next && group < groups) yield what
  }

  #slot(timers: Timers): void {
    this.#run(timers.now())
    if (this.#waves.length > 0) timers.after(SEND_GROUP_EVERY, () => this.#slot(timers))
  }

  #run(now: number): void {
    // What is sent may end a client, which asks for what is due to it; it does not start another run.
    if (this.#sending) return
    this.#sending = true
    let bound = GROUPS
    for (const wave of this.#waves) {
      // A clock that was set back must not stop the sending.
      if (now < wave.at) wave.at = now - wave.next * wave.every
      while (wave.next < Math.min(bound, wave.groups) && now - wave.at >= wave.next * wave.every) this.#send(wave.what, wave.next++)
      if (wave.next < wave.groups) bound = Math.min(bound, wave.next)
    }
    this.#sending = false
    const sent = this.#waves.filter(({ next, groups }) => next >= groups)
    if (sent.length === 0) return
    this.#waves = this.#waves.filter(({ next, groups }) => next < groups)
    for (const { what } of sent) this.#onSent(what)
  }
}
