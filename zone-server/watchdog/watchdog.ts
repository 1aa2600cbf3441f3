import { getHeapStatistics } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { describeError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { steps } from './step-mark.ts'

/** What the watching thread is given. */
export interface WatchdogData {
  readonly memory: SharedArrayBuffer
  readonly redisUrl: string
  /** Of the thread that is watched, bytes. */
  readonly heapLimit: number
}

/**
 * Watches this thread's steps from another one. A step that does not end is told to the log and to the index, by the name of its layer, as a crash of that tick; then the process ends itself, so that
 * its other layers are elsewhere soon. Without it a host that loops is only one that fell silent, and whatever made it do so goes on to the next.
 */
export function startWatchdog(redisUrl: string, log: Log): { stop(): Promise<void> } {
  const workerData: WatchdogData = { memory: steps.memory, redisUrl, heapLimit: getHeapStatistics().heap_size_limit }
  const worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData, name: 'watchdog' })
  worker.unref()
  worker.on('error', (error) => log.error({ detail: describeError(error) }, 'the steps of layers are not watched any more'))
  return {
    async stop() {
      await worker.terminate()
    },
  }
}
