import type { Timers } from '../core/clock.ts'
import { SEND_GROUP_EVERY } from '../core/timing.ts'

/** Clients are sent a tick in so many groups, one after another: one burst would keep the last of them, and all inputs, waiting. More groups would wake the process more often. */
export const GROUPS = 25
/** A tick begins to leave at least so much of a period after the one before it began … */
const LEAST_GAP = 0.98
/** … but never waits longer for that than this much of a period. */
const LONGEST_WAIT = 0.4

/**
 * When a tick begins to leave that is released now, given when the one before it began to; times in milliseconds. Each is confirmed some milliseconds after it was stepped, now more and now less, and
 * clients are to see an even beat: so what comes early waits for the time that a late one has set, which goes back by a fiftieth of a period a tick.
 */
export function departure(now: number, before: number, periodMs: number): number {
  const wanted = before + periodMs * LEAST_GAP
  // Before the clock was set back, or so long ago that there is no beat to keep.
  if (wanted <= now || before > now + periodMs) return now
  return Math.min(wanted, now + periodMs * LONGEST_WAIT)
}

interface Wave<T> {
  readonly what: T
  /** Between two groups, ms. */
  readonly every: number
  /** To how many groups it goes. */
  readonly groups: number
  /** It may begin so much later than it was released, ms. */
  readonly wait: number
  at: number
  /** The group that comes next. */
  next: number
}

/**
 * Spreads the sending of ticks: each is sent to group after group from its departure on, so that each client gets its frames at an even beat. Ticks overlap when they are released in quick
 * succession; to each group they go in order.
 */
export class Spread<T> {
  readonly #timers: Timers | undefined
  readonly #send: (what: T, group: number) => void
  readonly #onSent: (what: T) => void
  #waves: Wave<T>[] = []
  #sending = false
  /** When the newest wave began, or is to begin. */
  #begun = Number.NEGATIVE_INFINITY

  /** Without timers nothing is spread: what is released is sent at once. */
  constructor(timers: Timers | undefined, send: (what: T, group: number) => void, onSent: (what: T) => void) {
    this.#timers = timers
    this.#send = send
    this.#onSent = onSent
  }

  /** Begins to send to the first so many groups, as evenly as it can; `periodMs`: from one tick to the next, and what all groups are not to take longer than. */
  release(what: T, groups: number, periodMs: number): void {
    const timers = this.#timers
    const at = timers === undefined ? 0 : departure(timers.now(), this.#begun, periodMs)
    this.#begun = at
    this.#waves.push({ what, groups, wait: periodMs * LONGEST_WAIT, every: Math.min(SEND_GROUP_EVERY, periodMs / GROUPS), at, next: 0 })
    if (timers === undefined) this.#run(Number.POSITIVE_INFINITY)
    else if (this.#waves.length === 1) this.#slot(timers)
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
      if (wave.at - now > wave.wait) wave.at = now - wave.next * wave.every
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
