/** A queue of keys: one worker a key at a time, failures again after a growing pause, everything bounded by the number of keys. */

const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 3_000
const WORKERS = 16

export interface KeyQueue {
  /** Handles the key soon. A key that is being handled is handled once more afterwards. */
  add(key: string): void
  /** Handles the key after so many milliseconds, unless it is asked for earlier. */
  addAfter(key: string, delayMs: number): void
  /** Drops everything that waits. */
  stop(): void
}

/** Gives the pause before the n-th retry (from 1) in milliseconds: doubling, capped, with a jitter of a quarter; `random` is in [0, 1). */
export function retryPause(failures: number, random: number): number {
  const pause = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1))
  return pause * (1 + (random - 0.5) / 2)
}

/**
 * Makes a queue around a handler. A handler that throws is tried again after `retryPause`; `onError` hears of it.
 */
export function createQueue(handle: (key: string) => Promise<void>, onError: (key: string, error: unknown) => void): KeyQueue {
  const waiting = new Set<string>()
  const running = new Set<string>()
  const again = new Set<string>()
  const failures = new Map<string, number>()
  const timers = new Map<string, { timer: NodeJS.Timeout; due: number }>()
  let stopped = false

  async function run(key: string): Promise<void> {
    try {
      await handle(key)
      failures.delete(key)
    } catch (error) {
      const count = (failures.get(key) ?? 0) + 1
      failures.set(key, count)
      onError(key, error)
      addAfter(key, retryPause(count, Math.random()))
    } finally {
      running.delete(key)
      if (again.delete(key)) waiting.add(key)
      pump()
    }
  }

  function pump(): void {
    for (const key of waiting) {
      if (stopped || running.size >= WORKERS) return
      waiting.delete(key)
      running.add(key)
      void run(key)
    }
  }

  function add(key: string): void {
    if (stopped) return
    const timer = timers.get(key)
    if (timer !== undefined) {
      clearTimeout(timer.timer)
      timers.delete(key)
    }
    if (running.has(key)) again.add(key)
    else waiting.add(key)
    setImmediate(pump)
  }

  function addAfter(key: string, delayMs: number): void {
    if (stopped) return
    const due = performance.now() + delayMs
    const planned = timers.get(key)
    if (planned !== undefined) {
      if (planned.due <= due) return
      clearTimeout(planned.timer)
    }
    const timer = setTimeout(() => {
      timers.delete(key)
      add(key)
    }, delayMs)
    timers.set(key, { timer, due })
  }

  return {
    add,
    addAfter,
    stop() {
      stopped = true
      waiting.clear()
      for (const { timer } of timers.values()) clearTimeout(timer)
      timers.clear()
    },
  }
}
