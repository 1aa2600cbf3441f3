import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../../core/clock.ts'
import type { ArchivedStore } from '../../../core/ports/store-archive-port.ts'
import { createMongoStore } from '../../../platform/mongo/index.ts'
import { makeOwner } from '../../../services/auth/staff.ts'
import { makeCharacter } from '../../../services/characters/life.ts'
import { MONGO_BUILD_LIMIT, type MongoServer, startMongo } from '../../contract/mongo-server.ts'
import { type RedisServer, startRedisServer } from '../../contract/redis-server.ts'
import { session } from '../../unit/auth/serve-app.ts'
import { extent, givenSeed } from '../extent.ts'
import { randomOf } from '../simulator/random.ts'
import { type MongoGate, startGate } from './mongo-gate.ts'
import { type Ask, expectErasedOrThere, type Operation, operations, PASSWORD, proving, type Scene, type Somebody } from './operations.ts'
import { Keys, type Place, type Program, type Service, startAuth, startErasure } from './service.ts'
import { comeToRest, expectWhole } from './whole.ts'

/**
 * The service as a process, with its real way to the database, killed (-9) in place of a single write of an operation; then it is started again, with another key that signs, and the whole store is looked at. Full:
 * every write of every operation, each operation in a database of its own (FerretDB looks through a whole collection for each document, so what the others left makes every look longer); else some of them, by the seed.
 */
const POINTS = extent({ quick: 1, usual: 4, full: Number.POSITIVE_INFINITY })
const OWNER = 'The-Founder'
/** No operation writes so often. */
const MANY = 80

let redis: RedisServer
let mongo: MongoServer
let gate: MongoGate

beforeAll(async () => {
  ;[redis, mongo] = await Promise.all([startRedisServer(), startMongo()])
  gate = await startGate(mongo.url)
}, MONGO_BUILD_LIMIT)

afterAll(async () => {
  await gate.close()
  await Promise.all([redis.stop(), mongo.remove()])
})

/** One database, the service that is over it, and an owner. */
interface World {
  readonly place: Place
  readonly keys: Keys
  readonly store: ArchivedStore
  service: Service
  people: number
}

async function inWorld(work: (world: World) => Promise<void>): Promise<void> {
  const place: Place = { mongoUrl: gate.url, database: mongo.database(), redisUrl: redis.url }
  const folder = mkdtempSync(join(tmpdir(), 'bailiwick-auth-'))
  const keys = new Keys(folder)
  const store = createMongoStore({ url: mongo.url, database: place.database, deadlineMs: 30_000 })
  const world: World = { place, keys, store, service: await startAuth(place, keys), people: 0 }
  try {
    const { ask } = world.service
    await register(ask, OWNER)
    await makeOwner(store, (await login(ask, OWNER)).id, Date.now())
    await work(world)
  } finally {
    await world.service.kill()
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function register(ask: Ask, name: string): Promise<void> {
  expect((await ask('POST', '/v1/accounts', { name, password: PASSWORD })).status).toBe(201)
}

async function login(ask: Ask, name: string): Promise<Somebody> {
  const { account, ...tokens } = session.parse((await ask('POST', '/v1/sessions', { name, password: PASSWORD })).body)
  return { ...account, ...tokens }
}

async function setScene(world: World): Promise<Scene> {
  const { store, service } = world
  const { ask } = service
  const name = `Person-${++world.people}`
  await register(ask, name)
  const [owner, ann] = await Promise.all([login(ask, OWNER), login(ask, name)])
  const character = { store, clock: systemClock, limit: 8, deleteGraceMs: 0, namesPerDay: 9 }
  await makeCharacter(character, ann.id, `Char${world.people}x`, `character-${world.people}`)
  return { store, clock: systemClock, ask, prove: proving(await world.keys.signer()), owner, ann }
}

interface Deed extends Pick<Operation, 'what' | 'before' | 'after'> {
  /** Begins it: who is killed for it, and whether it was answered. */
  readonly begin: (scene: Scene, world: World) => { readonly victim: Program; readonly told: Promise<boolean> }
}

const erasure: Deed = {
  what: 'an erasure by the command',
  begin({ ann }, { place }) {
    const victim = startErasure(place, ann.id)
    return { victim, told: victim.gone.then((code) => code === 0) }
  },
  after: expectErasedOrThere,
}

const deeds: readonly Deed[] = [
  ...operations.map(
    ({ act, ...operation }): Deed => ({
      ...operation,
      begin: (scene, { service }) => ({
        victim: service,
        told: act(scene).then(
          ({ status }) => status < 300,
          () => false,
        ),
      }),
    }),
  ),
  erasure,
]

/** The deed with its process killed in place of this write, and what became of it. False: it made fewer writes. */
async function killAt(write: number, deed: Deed, world: World, at: string): Promise<boolean> {
  const scene = await setScene(world)
  await deed.before?.(scene)
  const struck = Promise.withResolvers<void>()
  let killed = false
  gate.arm(write, () => {
    killed = true
    struck.resolve()
  })
  const { victim, told } = deed.begin(scene, world)
  // It may be the service's own sweep whose write that was: then whoever is killed was not in the middle of it, which is no harm.
  const answered = await Promise.race([told, struck.promise.then(victim.kill).then(() => told)])
  gate.open()
  if (killed) await victim.kill()
  if (killed && victim === world.service) world.service = await startAuth(world.place, world.keys)
  await world.service.ready()
  const rested = await comeToRest(world.store, Date.now(), at)
  await expectWhole(world.store, rested, at)
  // The key that signed the owner's token still verifies, and its session goes on.
  const mine = await world.service.ask('GET', '/v1/sessions', undefined, scene.owner.accessToken)
  expect(mine.status, `${at}: ${JSON.stringify(mine.body)}`).toBe(200)
  await deed.after({ ...scene, ask: world.service.ask }, answered, at)
  return killed
}

/** How often it writes when nobody is killed; of the service's sweep some may be among them. */
async function countWrites(deed: Deed, world: World): Promise<number> {
  const scene = await setScene(world)
  await deed.before?.(scene)
  gate.take()
  expect(await deed.begin(scene, world).told, deed.what).toBe(true)
  return gate.take()
}

/** Some writes of some deeds, by the seed. */
async function killSome(): Promise<void> {
  const seed = givenSeed ?? Math.floor(Math.random() * 2 ** 31)
  const random = randomOf(seed)
  const some = deeds.map((deed) => ({ deed, order: random() })).toSorted((a, b) => a.order - b.order)
  let kills = 0
  await inWorld(async (world) => {
    for (const { deed } of some.slice(0, POINTS)) {
      const write = 1 + Math.floor(random() * (await countWrites(deed, world)))
      kills += Number(await killAt(write, deed, world, `BAILIWICK_SEED=${seed}, ${deed.what}, write ${write}`))
    }
  })
  // A write more or less, by who prunes when, is no matter.
  expect(kills).toBeGreaterThan(0)
}

async function killEach(deed: Deed): Promise<void> {
  await inWorld(async (world) => {
    let write = 1
    while (await killAt(write, deed, world, `${deed.what}, write ${write}`)) expect(++write, deed.what).toBeLessThan(MANY)
    expect(write, deed.what).toBeGreaterThan(1)
    console.info(`${deed.what}: killed in place of each of ${write - 1} writes`)
  })
}

if (POINTS === Number.POSITIVE_INFINITY) test.each(deeds)('auth that is killed in place of any write of $what', killEach, 600_000)
else test('auth that is killed in place of a write leaves what was or what was to be, and the store whole', killSome, 600_000)
