/** A timer that comes later than this, ms, was not late by chance: this process was not running. */
const STALL = 50

/**
 * The outcome of `work`; throws what `late` makes when it takes longer than `ms`. The work itself goes on. A process that did not run for a while (its machine has too much to do) finds the end of the wait and
 * the answer at the same time, timers first, which says nothing of the other side: so the time that was lost is given once more, and what has come is read before anything is called late.
 */
export async function within<T>(ms: number, work: Promise<T>, late: () => Error): Promise<T> {
  const over = Promise.withResolvers<never>()
  const due = performance.now() + ms
  let settled = false
  const readFirst = (): void => void setImmediate(() => settled || over.reject(late()))
  const onTime = (): void => {
    const lost = performance.now() - due
    if (lost > STALL) timer = setTimeout(readFirst, Math.min(lost, ms))
    else readFirst()
  }
  let timer = setTimeout(onTime, ms)
  try {
    return await Promise.race([work, over.promise])
  } finally {
    settled = true
    clearTimeout(timer)
  }
}
