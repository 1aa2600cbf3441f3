/** The time, passed in wherever something is decided. */
export interface Clock {
  /** Milliseconds since the epoch. May jump. */
  now(): number
}

/** The time, and the ways to wait for it, passed in wherever something is waited for. */
export interface Timers extends Clock {
  /** Calls once, `ms` milliseconds from now (0: when others had their turn), unless the answered function is called before. */
  after(ms: number, call: () => void): () => void
  /** 0 ≤ x < 1, for jitter. */
  random(): number
}

export const systemClock: Timers = {
  now: () => Date.now(),
  after: (ms, call) => {
    if (ms <= 0) {
      const turn = setImmediate(call)
      return () => clearImmediate(turn)
    }
    const timer = setTimeout(call, ms)
    return () => clearTimeout(timer)
  },
  random: () => Math.random(),
}

/** A clock that never goes back, whatever happens to the machine's time: ms since some moment. For what waits, and is told to nobody. */
export const monotonicClock: Clock = { now: () => performance.now() }

/** Resolves after `ms` milliseconds; rejects with the signal's reason when it aborts before. */
export function sleep(timers: Timers, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const aborted = (): void => {
      cancel()
      reject(signal?.reason)
    }
    const cancel = timers.after(ms, () => {
      signal?.removeEventListener('abort', aborted)
      resolve()
    })
    signal?.addEventListener('abort', aborted, { once: true })
  })
}

interface Timer {
  readonly at: number
  readonly order: number
  readonly call: () => void
}

/** A clock that stands still until it is told otherwise: for tests and simulations. Its chance is always one half. */
export class ManualClock implements Timers {
  #now: number
  #order = 0
  readonly #timers = new Set<Timer>()

  constructor(now = 1_700_000_000_000) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  random(): number {
    return 0.5
  }

  after(ms: number, call: () => void): () => void {
    const timer = { at: this.#now + ms, order: this.#order++, call }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Goes forward, timer by timer in their order. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (let timer = this.#earliest(end); timer !== undefined; timer = this.#earliest(end)) {
      this.#timers.delete(timer)
      this.#now = Math.max(this.#now, timer.at)
      timer.call()
    }
    this.#now = end
  }

  #earliest(end: number): Timer | undefined {
    let earliest: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.at > end) continue
      if (earliest === undefined || timer.at < earliest.at || (timer.at === earliest.at && timer.order < earliest.order)) earliest = timer
    }
    return earliest
  }
}
