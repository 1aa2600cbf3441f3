import { afterAll, beforeAll, expect, test } from 'vitest'
import { tcpConnect } from '../../../client/tcp.ts'
import { chains } from '../../../core/chains.ts'
import { systemClock } from '../../../core/clock.ts'
import { silentLog as log } from '../../../core/ports/log-port.ts'
import type { ArchivedStore } from '../../../core/ports/store-archive-port.ts'
import { createMongoStore } from '../../../platform/mongo/index.ts'
import { createIndexKeys } from '../../../platform/redis/index-keys.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { backUp } from '../../../services/backup/backup.ts'
import { recordsInUse } from '../../../services/backup/copying.ts'
import { durableTick } from '../../../services/backup/cut.ts'
import { requireEmptyIndex } from '../../../services/backup/index-check.ts'
import { patientStore } from '../../../services/backup/patient.ts'
import { restore } from '../../../services/backup/restore.ts'
import { Spool } from '../../../services/backup/spool.ts'
import { type Claimed, claimLayer } from '../../../zone-server/claim.ts'
import { packingOffThread } from '../../../zone-server/packing.ts'
import { contentHash, simulationSettings } from '../../../zone-server/restore.ts'
import { newState } from '../../../zone-server/simulation/state.ts'
import { stateHash } from '../../../zone-server/simulation/state-hash.ts'
import { MONGO_BUILD_LIMIT, type MongoServer, startMongo } from '../../contract/mongo-server.ts'
import { smallZone } from '../../zone-settings.ts'
import { givenSeed } from '../extent.ts'
import { KillWorld, LAYER } from '../kill/world.ts'
import { audit } from '../simulator/audit.ts'
import { randomOf } from '../simulator/random.ts'

const seed = givenSeed ?? Date.now() % 1_000_000

let mongo: MongoServer
beforeAll(async () => {
  mongo = await startMongo()
}, MONGO_BUILD_LIMIT)
afterAll(() => mongo.remove())

const stored = (store: ArchivedStore, spool: ArchivedStore): Promise<number> =>
  durableTick(recordsInUse(store, chains.layer(LAYER), new Spool(spool)))

/** What a host does first with a layer, without a host. */
function claim(world: KillWorld, store: ArchivedStore): Promise<Claimed> {
  const settings = simulationSettings(smallZone())
  const zone = { content: contentHash(settings), fresh: () => newState(LAYER, settings) }
  const request = { layer: LAYER, generation: 1_000, host: 'host-after', zone: Promise.resolve(zone) }
  const deps = { store, index: world.index, log, timers: systemClock, packing: packingOffThread }
  return claimLayer(request, deps, AbortSignal.timeout(60_000))
}

test(`a backup in the middle of play, over MongoDB's protocol: restored with an empty index, everything of then is there once; with the old index it is refused (BAILIWICK_SEED=${seed})`, async () => {
  const world = await KillWorld.create({ connect: tcpConnect, random: randomOf(seed), characters: 4, hosts: 2, mongo })
  const target = createMongoStore({ url: mongo.url, database: mongo.database() })
  const inMemory = () => createSqliteStore({ file: ':memory:' })
  const [to, scratch, looks] = await Promise.all([inMemory(), inMemory(), inMemory()])
  const playing = (): boolean => world.players.every(({ session }) => session.playing)
  try {
    await world.until(playing)
    await world.until(async () => (await stored(world.store, looks)) > 20)
    const before = await stored(world.store, looks)
    const made = await backUp({ from: patientStore(world.store, systemClock, log), to, scratch, clock: systemClock, log })
    const opened = await world.store.head(chains.layer(LAYER))
    await world.kill(await world.owner())
    world.bear()
    await world.until(async () => playing() && ((await world.store.head(chains.layer(LAYER)))?.n ?? 0) > (opened?.n ?? 0))
    world.quiet()
    for (const host of [...world.hosts]) await world.kill(host)
    // Only now: who leaves a host that lives is not in the layer any more.
    await world.leave()

    await restore({ from: to, to: patientStore(target, systemClock, log), log })
    const ends = await target.head(chains.layer(LAYER))
    await expect(claim(world, target)).rejects.toMatchObject({ code: 'StoreOlder' })
    expect(await target.head(chains.layer(LAYER))).toEqual(ends)

    await requireEmptyIndex(createIndexKeys({ url: world.redis.url, log }), { emptyIndex: true, timers: systemClock, log })
    const { state, entry } = await claim(world, target)
    expect(state.tick).toBeGreaterThanOrEqual(before)
    expect(world.history.digestAt(entry)).toBeDefined()
    if (state.tick === entry) expect(stateHash(state)).toBe(world.history.digestAt(entry))
    expect(made.movedTwice).toBe(0)
    await audit(target, new Map([[LAYER, { layer: LAYER, state }]]), world.given)
  } catch (error) {
    console.error(world.lines.slice(-30).join('\n'))
    throw error
  } finally {
    await world.end()
    await Promise.all([target, to, scratch, looks].map((store) => store.close()))
  }
}, 300_000)
