import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ManualClock } from '../../core/clock.ts'
import { createMemoryIndex } from '../../platform/memory/memory-index.ts'
import { fleetClock } from '../../platform/redis/keys.ts'
import { beat, createWorld, type IndexHarness, report, rules, STEP, type World } from './index-harness.ts'
import { changeableReplid, type RedisServer, startRedisServer } from './redis-server.ts'
import { opened, rawClient, reached } from './redis-stage.ts'

// What starts a server and asks it many things takes long on a machine that is busy.
vi.setConfig({ testTimeout: 60_000 })

let server: RedisServer

beforeAll(async () => {
  server = await startRedisServer(changeableReplid)
})

afterAll(() => server?.stop())

/** One step is enough. */
const timing = { ...rules, hostWarmAfter: STEP }

function inMemory(): IndexHarness {
  const clock = new ManualClock()
  const index = createMemoryIndex({ clock, timing })
  return { index, advance: async (_, ms) => clock.advance(ms), flush: async () => index.flush(), restart: async () => index.restart() }
}

async function inRedis(): Promise<IndexHarness> {
  const client = await rawClient(server)
  const { index } = opened(server.url, timing)
  // The first call loads the library: its time is not that of a test's first question.
  await reached(index)
  return {
    index,
    async advance(fleet, ms) {
      await client.hIncrBy(fleetClock(fleet), 'offset', ms)
    },
    async flush() {
      await client.flushAll()
    },
    async restart() {
      await client.sendCommand(['DEBUG', 'CHANGE-REPL-ID'])
    },
  }
}

/** Host a serves a layer, host b has just come. */
async function scene(harness: IndexHarness): Promise<World> {
  const world = createWorld(harness)
  await world.register('a')
  await world.serve(world.layer(0))
  await world.register('b')
  return world
}

const isMoved = async ({ index, fleet, layer }: World): Promise<boolean> =>
  (await index.heartbeat(fleet, beat('a', [report(layer(0), 1, 1)]))).layers[0]?.closeRequested === 'Drain'

describe.each([
  ['in memory', async () => inMemory()],
  ['in Redis', inRedis],
])('a host that has just registered, %s', (_driver, harness) => {
  it('is not moved to by a drain that can wait, until it was there for a while', async () => {
    const world = await scene(await harness())
    await world.index.drainHost(world.fleet, 'a')
    expect(await isMoved(world)).toBe(false)
    // It registers again, as after a flush of the index or a broken connection: no new start.
    await world.live(1, [beat('b')])
    await world.register('b')
    expect(await isMoved(world)).toBe(true)
  })

  it('is moved to at once by a drain that is in a hurry', async () => {
    const world = await scene(await harness())
    await world.index.drainHost(world.fleet, 'a', rules.drainRoomReserve)
    expect(await isMoved(world)).toBe(true)
  })

  it('is given at once what somebody waits for', async () => {
    const world = await scene(await harness())
    const { index, fleet, layer } = world
    await index.drainHost(fleet, 'a')
    expect(await index.placeLayer(fleet, layer(1))).toMatchObject({ state: 'Assigned', host: 'b' })
  })
})
