import { Session } from 'node:inspector/promises'
import { describeError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { MEMORY_LOOK_EVERY, MEMORY_TOLD_EVERY, MEMORY_TOLD_PAUSE_MAX } from '../../core/timing.ts'
import { frames, keptByLayer } from './layer-frames.ts'
import { memoryShare } from './memory-share.ts'

/** From this share of its memory on a host looks at what its layers keep, and until it is below the second one. */
const LOOK_FROM = 0.6
const LOOK_UNTIL = 0.4
/** From here on it tells. */
const TELL_FROM = 0.8
/** … and again when it has risen by so much. */
const TELL_RISE = 0.05
/** So many layers are named. */
const NAMED = 5
/** One of so many bytes that are allocated is looked at: little to do, and what fills a memory is many times more. */
const SAMPLED_BYTES = 256 * 1_024

/** What was told since somebody looks: how often, when the last time, ms, and the highest share. */
interface Told {
  readonly times: number
  readonly at: number
  readonly share: number
}

export interface MemoryWatchState {
  /** Since when it is known who keeps what, ms; undefined: nobody looks. */
  readonly since: number | undefined
  readonly told: Told | undefined
}

/** What is to be done at this share of the memory. */
export function decideMemory(share: number, { since, told }: MemoryWatchState, now: number): 'begin' | 'tell' | 'end' | 'nothing' {
  if (since === undefined) return share >= LOOK_FROM ? 'begin' : 'nothing'
  if (share < LOOK_UNTIL) return 'end'
  return share >= TELL_FROM && (told === undefined || isNews(share, told, now)) ? 'tell' : 'nothing'
}

/**
 * Whether it is worth the telling again. To tell costs a collection of the whole heap, in which no layer ticks, and a memory may rest where it is for weeks: only one that rises is told of
 * soon, one that does not after a pause that doubles each time.
 */
function isNews(share: number, told: Told, now: number): boolean {
  const passed = now - told.at
  const pause = Math.min(MEMORY_TOLD_EVERY * 2 ** (told.times - 1), MEMORY_TOLD_PAUSE_MAX)
  return passed >= pause || (passed >= MEMORY_TOLD_EVERY && share >= told.share + TELL_RISE)
}

/** The state after it was told. */
export function afterTelling(share: number, { since, told }: MemoryWatchState, now: number): MemoryWatchState {
  return { since, told: { times: (told?.times ?? 0) + 1, at: now, share: Math.max(share, told?.share ?? 0) } }
}

/**
 * Names the layers that fill the memory of this process a little more with each tick, before it ends for it: from LOOK_FROM on V8 samples what is allocated, and from TELL_FROM on the log
 * is told what the ticks of which layer have left behind since.
 */
export function startMemoryWatch(log: Log, lookEveryMs = MEMORY_LOOK_EVERY): { stop(): void } {
  const session = new Session()
  let state: MemoryWatchState = { since: undefined, told: undefined }
  let busy = false

  async function look(): Promise<void> {
    const [share, now] = [memoryShare(), Date.now()]
    const todo = decideMemory(share, state, now)
    if (todo === 'begin') {
      session.connect()
      await session.post('HeapProfiler.startSampling', { samplingInterval: SAMPLED_BYTES })
      frames.on = true
      state = { since: now, told: undefined }
    }
    if (todo === 'tell') {
      const began = performance.now()
      const { profile } = await session.post('HeapProfiler.getSamplingProfile')
      const tookMs = Math.round(performance.now() - began)
      const layers = keptByLayer(profile.head).slice(0, NAMED)
      const kept = layers.map(([layer, bytes]) => ({ layer, keptMiB: Math.round(bytes / 2 ** 20) }))
      log.warn(
        { share, seconds: Math.round((now - (state.since ?? now)) / 1_000), kept, tookMs },
        'the memory is nearly full: what the ticks of its layers keep',
      )
      state = afterTelling(share, state, now)
    }
    if (todo === 'end') end()
  }

  function end(): void {
    frames.on = false
    state = { since: undefined, told: undefined }
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
