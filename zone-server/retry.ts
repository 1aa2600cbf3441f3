import { sleep, type Timers } from '../core/clock.ts'
import { describeError, isCode } from '../core/errors.ts'
import type { Log } from '../core/ports/log-port.ts'
import { LAYER_RETRY_MAX, LAYER_RETRY_MIN } from '../core/timing.ts'

export interface RetryOptions {
  readonly what: string
  readonly log: Log
  readonly timers: Timers
  /** Ends the waiting: the returned promise then rejects with the signal's reason. */
  readonly signal: AbortSignal
  /** Default: for as long as it takes. */
  readonly attempts?: number
  /** Told when the first attempt has failed. */
  readonly onFirstFailure?: () => void
}

/** Does `work` until it succeeds; only an index or store that does not answer is worth another try, after a wait that doubles, with jitter. */
export async function retrying<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { what, log, timers, signal, attempts, onFirstFailure } = options
  let wait = LAYER_RETRY_MIN
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      signal.throwIfAborted()
      if (!isCode(error, 'IndexUnavailable', 'StoreUnavailable') || attempt === attempts) throw error
      // The 1st, 2nd, 4th, 8th … failure: an outage is no flood of lines.
      if ((attempt & (attempt - 1)) === 0) log.warn({ what, attempt, detail: describeError(error) }, 'will be tried again')
      if (attempt === 1) onFirstFailure?.()
      await sleep(timers, jittered(wait, timers), signal)
      wait = Math.min(wait * 2, LAYER_RETRY_MAX)
    }
  }
}

/** Between half of `ms` and all of it, so that those who failed together do not come back together. */
export function jittered(ms: number, timers: Timers): number {
  return ms * (0.5 + timers.random() / 2)
}
