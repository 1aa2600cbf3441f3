import { createClient } from 'redis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { tcpConnect } from '../../../client/tcp.ts'
import { type RedisServer, startRedisServer } from '../../contract/redis-server.ts'
import { extent } from '../extent.ts'
import { KillWorld, pause, type WorldOptions } from '../kill/world.ts'
import { startWire, type Toxic, type Wire } from './wire.ts'

/** What Redis itself can suffer, with a living owner and people who play: what they were told stays true, nothing is done twice, and play goes on. */

const FROZEN = extent({ quick: 3_000, usual: 3_000, full: 30_000 })
/** Longer than a host may be silent. */
const BAD_FOR = extent({ quick: 2_500, usual: 2_500, full: 20_000 })
const reset: Toxic = {}
const badWays: readonly (readonly [string, Toxic])[] = [
  ['is slow', { latencyMs: 150 }],
  ['is slow now and then', { latencyMs: 5, jitterMs: 400 }],
  ['cuts everything into pieces', { pieces: 3 }],
  ['is reset', reset],
  ['swallows everything', { blackhole: true }],
]
/** Play before and after. */
const A_WHILE = 700

let world: KillWorld
const ends: (() => Promise<unknown>)[] = []
const options = (more: Partial<WorldOptions> = {}): WorldOptions => ({
  ...{ connect: tcpConnect, random: Math.random, characters: 4, hosts: 2 },
  ...more,
})

afterEach(async (context) => {
  if (context.task.result?.state === 'fail') console.error(world.lines.slice(-40).join('\n'))
  await world.end()
  for (const end of ends.splice(0).reverse()) await end()
}, 60_000)

async function begin(more: Partial<WorldOptions> = {}): Promise<void> {
  world = await KillWorld.create(options(more))
  await playing()
  await pause(A_WHILE)
}

function playing(): Promise<void> {
  return world.until(() => world.players.every(({ session }) => session.playing))
}

/** Everybody plays on: what each does now is confirmed now. */
async function playsOn(): Promise<void> {
  await playing()
  const before = world.players.map(({ acknowledged }) => acknowledged)
  await world.until(() => world.players.every(({ acknowledged }, i) => acknowledged > (before[i] ?? 0)))
  await pause(A_WHILE)
  world.quiet()
  await world.check()
}

/** Stops the owner between two turns, so that all that Redis confirmed is written down before Redis loses it; then it finds out. */
async function whileTheOwnerStands(what: () => Promise<void>): Promise<void> {
  const owner = await world.owner()
  owner.stop()
  await pause(50)
  await world.readOn()
  await what()
  owner.resume()
}

async function redisOf(server: RedisServer) {
  const client = await createClient({ url: server.url })
    .on('error', () => undefined)
    .connect()
  ends.push(async () => client.destroy())
  return client
}

describe('Redis', () => {
  beforeEach(() => {
    ends.length = 0
  })

  test(`stands still for ${FROZEN / 1_000} s: nothing leaves a host meanwhile, and then everything goes on`, async () => {
    await begin()
    const { pid = 0 } = world.redis
    process.kill(pid, 'SIGSTOP')
    await pause(300)
    const before = world.players.map(({ acknowledged, heard }) => [acknowledged, heard.size])
    await pause(FROZEN - 300)
    expect(world.players.map(({ acknowledged, heard }) => [acknowledged, heard.size])).toEqual(before)
    process.kill(pid, 'SIGCONT')
    await playsOn()
  }, 120_000)

  // One host alone in these two: an emptied index knows of no owner, and may give the layer to another host before the owner has said that it lives.
  test('is emptied (FLUSHALL)', async () => {
    await begin({ hosts: 1 })
    const redis = await redisOf(world.redis)
    await whileTheOwnerStands(async () => void (await redis.flushAll()))
    await playsOn()
  }, 60_000)

  test('is killed with its append-only file', async () => {
    await begin()
    await world.redis.kill()
    await pause(200)
    await world.redis.start()
    await playsOn()
  }, 60_000)

  test('is killed without one, and comes back empty', async () => {
    await begin({ hosts: 1, redisSettings: ['--appendonly', 'no'] })
    await whileTheOwnerStands(() => world.redis.kill())
    await world.redis.start()
    await playsOn()
  }, 60_000)

  test('is cut off from its replica, which is promoted without the last ticks', async () => {
    let wire: Wire | undefined
    await begin({
      redisPort: async (redis) => {
        wire = await startWire(redis.port)
        ends.push(wire.close)
        return wire.port
      },
    })
    const link = await startWire(world.redis.port)
    ends.push(link.close)
    const replica = await startRedisServer(['--replicaof', `127.0.0.1 ${link.port}`])
    ends.push(() => replica.stop())
    const other = await redisOf(replica)
    await world.until(async () => (await other.info('replication')).includes('master_link_status:up'))
    await pause(A_WHILE)
    link.cut()
    // These ticks are confirmed by the old one alone.
    const confirmed = world.history.last
    await world.until(() => world.history.last > confirmed + 10)
    wire?.cut()
    await world.readOn()
    await other.sendCommand(['REPLICAOF', 'NO', 'ONE'])
    await world.readOn(replica.url)
    wire?.lead(replica.port)
    await playsOn()
  }, 60_000)

  test.each(badWays)(
    'is reached over a way that %s: by the owner, by its successor, and by who looks for dead hosts',
    async (_, toxic) => {
      let wire: Wire | undefined
      await begin({
        redisPort: async (redis) => {
          wire = await startWire(redis.port)
          ends.push(wire.close)
          return wire.port
        },
      })
      wire?.disturb(toxic)
      await pause(BAD_FOR)
      wire?.disturb({})
      // What a black hole has swallowed is missing in the stream.
      if (toxic.blackhole === true || toxic === reset) wire?.reset()
      await playsOn()
    },
    120_000,
  )
})
