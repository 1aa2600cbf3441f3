import { setTimeout as sleep } from 'node:timers/promises'
import { describeError, isCode } from '../core/errors.ts'
import type { Log } from '../core/ports/log-port.ts'
import { LAYER_RETRY_MAX, LAYER_RETRY_MIN } from '../core/timing.ts'

export interface RetryOptions {
  readonly what: string
  readonly log: Log
  /** Ends the waiting: the returned promise then rejects with the signal's reason. */
  readonly signal: AbortSignal
  /** Default: for as long as it takes. */
  readonly attempts?: number
  /** Told when the first attempt has failed. */
  readonly onFirstFailure?: () => void
}

/** Does `work` until it succeeds; only an index or store that does not answer is worth another try, after a wait that doubles, with jitter. */
export async function retrying<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  let wait = LAYER_RETRY_MIN
  for (let attempt = 1; ; attempt++) {
    options.signal.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      options.signal.throwIfAborted()
      if (!isCode(error, 'IndexUnavailable', 'StoreUnavailable') || attempt === options.attempts) throw error
      // The 1st, 2nd, 4th, 8th … failure: an outage is no flood of lines.
      if ((attempt & (attempt - 1)) === 0)
        options.log.warn({ what: options.what, attempt, detail: describeError(error) }, 'will be tried again')
      if (attempt === 1) options.onFirstFailure?.()
      await sleep(wait * (0.5 + Math.random() / 2), undefined, { signal: options.signal }).catch(() => options.signal.throwIfAborted())
      wait = Math.min(wait * 2, LAYER_RETRY_MAX)
    }
  }
}
