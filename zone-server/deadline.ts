import type { Timers } from '../core/clock.ts'

/** The value of `work`, or a rejection with what `late` makes when it takes longer than `ms`. The work itself goes on. */
export function withDeadline<T>(work: Promise<T>, ms: number, timers: Timers, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = timers.after(ms, () => reject(late()))
    work.then(resolve, reject).finally(cancel)
  })
}
