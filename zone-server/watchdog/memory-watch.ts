import { Session } from 'node:inspector/promises'
import { describeError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { MEMORY_LOOK_EVERY, MEMORY_TOLD_EVERY } from '../../core/timing.ts'
import { frames, keptByLayer } from './layer-frames.ts'
import { memoryShare } from './memory-share.ts'

/** From this share of its memory on a host looks at what its layers keep, and until it is below the second one. */
const LOOK_FROM = 0.6
const LOOK_UNTIL = 0.4
/** From here on it tells. */
const TELL_FROM = 0.8
/** So many layers are named. */
const NAMED = 5
/** One of so many bytes that are allocated is looked at: little to do, and what fills a memory is many times more. */
const SAMPLED_BYTES = 256 * 1_024

export interface MemoryWatchState {
  /** Since when it is known who keeps what, ms; undefined: nobody looks. */
  readonly since: number | undefined
  readonly toldAt: number | undefined
}

/** What is to be done at this share of the memory. */
export function decideMemory(share: number, { since, toldAt }: MemoryWatchState, now: number): 'begin' | 'tell' | 'end' | 'nothing' {
  if (since === undefined) return share >= LOOK_FROM ? 'begin' : 'nothing'
  if (share < LOOK_UNTIL) return 'end'
  return share >= TELL_FROM && (toldAt === undefined || now - toldAt >= MEMORY_TOLD_EVERY) ? 'tell' : 'nothing'
}

/**
 * Names the layers that fill the memory of this process a little more with each tick, before it ends for it: from LOOK_FROM on V8 samples what is allocated, and from TELL_FROM on the log
 * is told what the ticks of which layer have left behind since.
 */
export function startMemoryWatch(log: Log, lookEveryMs = MEMORY_LOOK_EVERY): { stop(): void } {
  const session = new Session()
  let state: MemoryWatchState = { since: undefined, toldAt: undefined }
  let busy = false

  async function look(): Promise<void> {
    const [share, now] = [memoryShare(), Date.now()]
    const todo = decideMemory(share, state, now)
    if (todo === 'begin') {
      session.connect()
      await session.post('HeapProfiler.startSampling', { samplingInterval: SAMPLED_BYTES })
      frames.on = true
      state = { since: now, toldAt: undefined }
    }
    if (todo === 'tell') {
      const { profile } = await session.post('HeapProfiler.getSamplingProfile')
      const layers = keptByLayer(profile.head).slice(0, NAMED)
      const kept = layers.map(([layer, bytes]) => ({ layer, keptMiB: Math.round(bytes / 2 ** 20) }))
      log.warn(
        { share, seconds: Math.round((now - (state.since ?? now)) / 1_000), kept },
        'the memory is nearly full: what the ticks of its layers keep',
      )
      state = { ...state, toldAt: now }
    }
    if (todo === 'end') end()
  }

  function end(): void {
    frames.on = false
    state = { since: undefined, toldAt: undefined }
    // Ends the sampling, too.
    session.disconnect()
  }

  const timer = setInterval(() => {
    if (busy) return
    busy = true
    look()
      .catch((error: unknown) => {
        clearInterval(timer)
        log.error({ detail: describeError(error) }, 'what layers keep in memory can not be told any more')
      })
      .finally(() => {
        busy = false
      })
  }, lookEveryMs)
  timer.unref()
  return {
    stop() {
      clearInterval(timer)
      if (state.since !== undefined) end()
    },
  }
}
