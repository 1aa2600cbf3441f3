import { setTimeout as delay } from 'node:timers/promises'
import { test, vi } from 'vitest'
import { isCode } from '../../../core/errors.ts'
import { type ZoneId, zoneId } from '../../../core/ids.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import { IndexCopy } from '../../../services/allocator/copy/index-copy.ts'
import { startRedisServer } from '../../contract/redis-server.ts'
import { smallZone } from '../../zone-settings.ts'
import { extent } from '../extent.ts'
import { startWire, type Toxic } from './wire.ts'

/** What the allocator answers from: over a bad way it is late, and says so, and never wrong. */
const BAD_FOR = extent({ quick: 2_000, usual: 7_000, full: 30_000 })
const CHANGE_EVERY = 40
const ASK_EVERY = 10
const zone: ZoneId = zoneId('wire', 'meadow')

const ways: readonly (readonly [string, Toxic, (() => boolean)?])[] = [
  ['is slow', { latencyMs: 300 }],
  ['is slow now and then', { latencyMs: 5, jitterMs: 600 }],
  ['cuts everything into pieces', { pieces: 3 }],
  ['swallows everything', { blackhole: true }],
  ['is reset again and again', {}, () => Math.random() < 0.05],
]

test.concurrent.for(ways)(
  'the copy of an index whose way %s',
  { timeout: 180_000 },
  async ([, toxic, resets = () => false], { expect, onTestFinished }) => {
    const redis = await startRedisServer()
    const wire = await startWire(redis.port)
    const [direct, behind] = [redis.url, `redis://127.0.0.1:${wire.port}`].map((url) =>
      createRedisIndex({ url: url ?? '', log: silentLog }),
    )
    if (direct === undefined || behind === undefined) throw new Error('two indexes')
    const copy = new IndexCopy(behind, silentLog)
    onTestFinished(async () => {
      copy.stop()
      await Promise.all([direct.close(), behind.close()])
      await wire.close()
      await redis.stop()
    })
    /** When each generation was known to be in the index, by its number less one. */
    const confirmed: number[] = []
    const change = async (): Promise<void> => {
      const next = smallZone({ zone, uid: 'u', generation: confirmed.length + 1 })
      await untilAnswered(() => direct.putZone(next))
      confirmed.push(performance.now())
    }
    await change()
    await copy.start()
    let seen = 0
    /** What it says was so `age` ms ago: every generation that was there by then is in it. */
    const ask = (): void => {
      const now = performance.now()
      const found = answer(copy)
      if (found === undefined) return
      expect(found.generation).toBeGreaterThanOrEqual(seen)
      seen = found.generation
      expect(confirmed.filter((at) => at < now - found.age - 1).length).toBeLessThanOrEqual(found.generation)
      // It knows of none that nobody has put: at most the one that is being put.
      expect(found.generation).toBeLessThanOrEqual(confirmed.length + 1)
    }
    wire.disturb(toxic)
    const end = performance.now() + BAD_FOR
    const changing = (async () => {
      for (; performance.now() < end; await delay(CHANGE_EVERY)) await change()
    })()
    const asking = (async () => {
      for (; performance.now() < end; await delay(ASK_EVERY)) {
        ask()
        if (resets()) wire.reset()
      }
    })()
    // Both have ended before anything is closed under them.
    for (const ended of await Promise.allSettled([changing, asking])) if (ended.status === 'rejected') throw ended.reason
    wire.disturb({})
    if (toxic.blackhole === true) wire.reset()
    await vi.waitFor(() => expect(answer(copy)?.generation).toBe(confirmed.length), { timeout: 30_000, interval: 20 })
    ask()
  },
)

/** On a busy machine an answer may come too late: the same is asked again. */
async function untilAnswered(call: () => Promise<unknown>): Promise<void> {
  const end = performance.now() + 60_000
  for (;;) {
    try {
      await call()
      return
    } catch (error) {
      if (!isCode(error, 'IndexUnavailable') || performance.now() > end) throw error
      await delay(20)
    }
  }
}

/** Undefined: it says that it is too old to be asked. */
function answer(copy: IndexCopy): { readonly generation: number; readonly age: number } | undefined {
  try {
    const found = copy.find(zone)
    return found === undefined ? undefined : { generation: found.entry.settings.generation, age: found.age }
  } catch (error) {
    if (isCode(error, 'IndexStale')) return undefined
    throw error
  }
}
