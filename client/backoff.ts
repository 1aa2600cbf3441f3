import { CLIENT_RECONNECT_MAX, CLIENT_RECONNECT_MIN } from '../core/timing.ts'

/**
 * How long (ms) to wait before try number `attempt` (0: the first after a success). Full jitter under a doubling cap, on top of what the server asked for, so
 * that clients that lost the same host neither come back together nor before it makes sense. `random` is in [0, 1).
 */
export function retryDelay(attempt: number, retryAfterMs: number | undefined, random: number): number {
  const ceiling = Math.min(CLIENT_RECONNECT_MAX, CLIENT_RECONNECT_MIN * 2 ** Math.min(attempt, 16))
  return (retryAfterMs ?? 0) + Math.floor(random * ceiling)
}

/** Resolves after `ms`, or at once when the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}
