import type { Clock } from '../core/clock.ts'
import { LOOKED_AT_TOGETHER } from '../core/timing.ts'
import { backoff } from './backoff.ts'
import { DueTimes } from './due-times.ts'

export interface WorkQueueOptions<K extends string> {
  /** Does the work of one key. Answers after how many ms it is to be looked at again, if at all. A throw brings it back after a pause that grows. */
  readonly work: (key: K) => Promise<number | undefined>
  /** Must not throw. */
  readonly onError: (key: K, error: unknown, failures: number) => void
  /** One that never goes back. */
  readonly clock: Clock
  /** So many keys are worked on at once. */
  readonly concurrency: number
  /** So many keys are held at most, waiting or later; more are refused. */
  readonly limit: number
  readonly random?: () => number
}

/**
 * Keys to look at. The same key is never worked on twice at once; asked for while it waits, it is done once; asked for while it is worked on, once more
 * afterwards, whatever was going on: so what was read before the asking is never all that was read.
 */
export class WorkQueue<K extends string> {
  readonly #options: WorkQueueOptions<K>
  readonly #random: () => number
  readonly #waiting = new Set<K>()
  readonly #working = new Set<K>()
  readonly #again = new Set<K>()
  readonly #later = new DueTimes()
  readonly #failures = new Map<K, number>()
  readonly #idle: (() => void)[] = []
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(options: WorkQueueOptions<K>) {
    this.#options = options
    this.#random = options.random ?? Math.random
  }

  /** Keys that wait, now or later. */
  get size(): number {
    return this.#waiting.size + this.#later.size
  }

  get working(): number {
    return this.#working.size
  }

  /** Looks at the key as soon as there is room. Answers false when the queue is full or stopped. */
  add(key: K): boolean {
    if (this.#stopped) return false
    if (this.#working.has(key)) {
      this.#again.add(key)
      return true
    }
    if (!this.#waiting.has(key) && this.size >= this.#options.limit) return false
    this.#later.remove(key)
    this.#waiting.add(key)
    this.#pump()
    return true
  }

  /** Looks at the key after `ms` (up to LOOKED_AT_TOGETHER later, when that is a minute or more), or earlier if it is asked for earlier. */
  addAfter(key: K, ms: number): boolean {
    if (ms <= 0) return this.add(key)
    if (this.#stopped || this.size >= this.#options.limit) return false
    if (!this.#waiting.has(key)) this.#later.add(key, dueAt(this.#options.clock.now(), ms))
    this.#arm()
    return true
  }

  /** The key is looked at without the pauses that its failures brought. */
  addAnew(key: K): boolean {
    this.#failures.delete(key)
    return this.add(key)
  }

  /** Takes no more keys; resolves when the work under way is done. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#waiting.clear()
    this.#again.clear()
    this.#later.clear()
    if (this.#working.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  #pump(): void {
    for (const key of this.#waiting) {
      if (this.#working.size >= this.#options.concurrency) return
      this.#waiting.delete(key)
      this.#working.add(key)
      void this.#run(key)
    }
  }

  async #run(key: K): Promise<void> {
    let after: number | undefined
    try {
      after = await this.#options.work(key)
      this.#failures.delete(key)
    } catch (error) {
      const failures = (this.#failures.get(key) ?? 0) + 1
      this.#failures.set(key, failures)
      after = backoff(failures, this.#random())
      this.#options.onError(key, error, failures)
    }
    this.#working.delete(key)
    if (this.#again.delete(key)) this.add(key)
    else if (after !== undefined) this.addAfter(key, after)
    if (this.#working.size === 0) for (const resolve of this.#idle.splice(0)) resolve()
    this.#pump()
  }

  #arm(): void {
    clearTimeout(this.#timer)
    const next = this.#later.next
    if (next === undefined || this.#stopped) return
    this.#timer = setTimeout(
      () => {
        for (const key of this.#later.take(this.#options.clock.now())) this.add(key as K)
        this.#arm()
      },
      Math.max(1, next - this.#options.clock.now()),
    )
  }
}

/** Ten thousand zones that come up one by one would wake the process ten thousand times, each time for a look that takes less than the waking. */
function dueAt(now: number, ms: number): number {
  return ms < LOOKED_AT_TOGETHER * 60 ? now + ms : Math.ceil((now + ms) / LOOKED_AT_TOGETHER) * LOOKED_AT_TOGETHER
}
