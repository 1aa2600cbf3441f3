import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { type Document, MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { dueKinds } from '../../core/chains.ts'
import { describeError } from '../../core/errors.ts'
import type { Store } from '../../core/ports/store-port.ts'
import { chainNames } from '../../platform/mongo/archive.ts'
import type { ChainDocument, Step } from '../../platform/mongo/documents.ts'
import { createMongoStore } from '../../platform/mongo/index.ts'
import { removeChain } from '../../platform/mongo/remove.ts'
import { extent } from '../faults/extent.ts'
import { backupContract } from './backup-contract.ts'
import { liveThrough, planSeed, plans } from './chain-lives.ts'
import type { MongoServer } from './mongo-server.ts'
import { MONGO_BUILD_LIMIT, startMongo, startProxy } from './mongo-server.ts'
import { storeArchiveContract } from './store-archive-contract.ts'
import { storeContract } from './store-contract.ts'

/** From an empty Go cache the server is built first. */

let server: MongoServer
let database: string
const record = { kind: 'x', data: {} }

beforeAll(async () => {
  server = await startMongo()
  database = server.database()
}, MONGO_BUILD_LIMIT)

afterAll(() => server.remove())

/** What these say has nothing to do with how busy the machine is: a blob of 8 MiB may take longer than a game would wait. */
const open = async (name = database) => createMongoStore({ url: server.url, database: name, deadlineMs: 30_000 })

storeContract('MongoDB', { open, runs: 15 })
storeArchiveContract('MongoDB', open)
backupContract('MongoDB', () => open(server.database()))

describe('MongoDB', { timeout: 90_000 }, () => {
  test('the head is found with the hint missing, far behind, or behind the floor', async () => {
    const store = createMongoStore({ url: server.url, database })
    const client = new MongoClient(server.url)
    const raw = client.db(database).collection<ChainDocument>('hint')
    const chain = `hint/${randomUUID()}`
    for (let n = 1; n <= 70; n++) await store.append(chain, n, `k${n}`, record)
    const hint = `${chain}#hint`
    expect((await raw.findOne({ _id: hint }))?.head).toBe(70)
    await raw.deleteOne({ _id: hint })
    expect(await store.head(chain)).toMatchObject({ n: 70 })
    await raw.insertOne({ _id: hint, head: 3 })
    expect(await store.head(chain)).toMatchObject({ n: 70 })
    await store.prune(chain, 69)
    expect(await store.head(chain)).toMatchObject({ n: 70 })
    await raw.deleteOne({ _id: hint })
    expect(await store.head(chain)).toMatchObject({ n: 70 })
    await store.close()
    await client.close()
  })

  test('a prune that was cut short is finished by the next one', async () => {
    const store = createMongoStore({ url: server.url, database })
    const client = new MongoClient(server.url)
    const raw = client.db(database).collection<{ _id: string; floor?: number }>('prune')
    const chain = `prune/${randomUUID()}`
    for (let n = 1; n <= 6; n++) await store.append(chain, n, `k${n}`, record)
    await raw.insertOne({ _id: `${chain}#floor`, floor: 4 })
    expect((await store.read(chain, 1, 10)).map((entry) => entry.n)).toEqual([4, 5, 6])
    expect(await store.append(chain, 2, 'k2', record)).toBe('Conflict')
    await store.prune(chain, 4)
    expect(await Promise.all([1, 2, 3, 4].map(async (n) => (await raw.findOne({ _id: `${chain}#${n}` })) !== null))).toEqual([
      false,
      false,
      false,
      true,
    ])
    await store.close()
    await client.close()
  })

  test('a removal leaves no document; cut short at any step it has not begun or the chain is not there, and what is left goes when somebody comes upon it', async () => {
    const [store, other] = [await open(), await open()]
    const client = new MongoClient(server.url)
    const raw = client.db(database).collection<ChainDocument>('remove')
    const left = async (chain: string) => (await raw.find({}).toArray()).flatMap(({ _id }) => (_id.startsWith(`${chain}#`) ? [_id] : []))
    let steps = 0
    for (let [dieAt, removed] = [1, 'killed']; removed === 'killed'; dieAt++) {
      const chain = `remove/${randomUUID()}`
      for (let n = 1; n <= 5; n++) await store.append(chain, n, `k${n}`, { ...record, due: n })
      await store.prune(chain, 3)
      steps = 0
      const dying: Step = (work) => {
        if (++steps === dieAt) throw new Error('killed')
        return work(raw)
      }
      removed = await removeChain(dying, chain, 5).catch(() => 'killed' as const)
      expect(removed).toBe(steps < dieAt ? 'Done' : 'killed')
      const head = await store.head(chain)
      if (head !== undefined) expect(head).toMatchObject({ n: 5, nonce: 'k5' })
      expect((await store.read(chain, 1, 10)).map(({ n }) => n)).toEqual(head === undefined ? [] : [3, 4, 5])
      expect((await store.chains('remove/', 1_000)).includes(chain)).toBe(head !== undefined)
      if (dieAt % 3 === 0) expect(await store.due('remove', 5, 10)).toEqual(head === undefined ? [] : [chain])
      if (head !== undefined || dieAt % 3 === 1) expect(await store.remove(chain, 5)).toBe('Done')
      expect(await store.head(chain)).toBeUndefined()
      if (dieAt % 3 === 2) {
        for (let n = 1; n <= 2; n++) expect(await store.append(chain, n, `again${n}`, record)).toBe('Done')
        expect(await other.head(chain)).toMatchObject({ n: 2, nonce: 'again2' })
        expect(await store.remove(chain, 2)).toBe('Done')
      }
      expect(await left(chain)).toEqual([])
    }
    await other.close()
    expect(steps).toBeGreaterThan(5)
    await store.close()
    await client.close()
  })

  test('a record that an append wrote so late that it was pruned before is not due for ever', async () => {
    const store = await open()
    const client = new MongoClient(server.url)
    const raw = client.db(database).collection<ChainDocument>('stray')
    const chain = `stray/${randomUUID()}`
    for (let n = 1; n <= 4; n++) await store.append(chain, n, `k${n}`, n < 4 ? { ...record, due: n } : record)
    await store.prune(chain, 4)
    const [late, behind] = [`${chain}#2`, `${chain}-behind`]
    await raw.insertOne({ _id: late, nonce: 'k2', kind: 'x', data: '{}', due: 2 })
    await store.append(behind, 1, 'a', { ...record, due: 3 })
    expect(await store.due('stray', 5, 1)).toEqual([behind])
    expect(await raw.findOne({ _id: late })).toBeNull()
    expect(await store.head(chain)).toMatchObject({ n: 4, nonce: 'k4' })
    await store.close()
    await client.close()
  })

  test('the names of chains are read without their records, whose blobs may be large', async () => {
    const store = await open()
    const chain = `names/${randomUUID()}`
    for (let n = 1; n <= 3; n++) await store.append(chain, n, `k${n}`, { ...record, blob: new Uint8Array(1_000) })
    await store.prune(chain, 2)
    const client = new MongoClient(server.url, { monitorCommands: true })
    const finds: Document[] = []
    client.on('commandStarted', ({ command }) => {
      if (command['find'] !== undefined) finds.push(command)
    })
    const names = await chainNames((work) => work(client.db(database)), undefined, 1_000)
    expect(names).toContain(chain)
    const isOfFloors = (ids: unknown): boolean => Array.isArray(ids) && ids.every((id) => String(id).endsWith('#floor'))
    const whole = finds.filter(({ filter, projection }) => !isOfFloors(filter?._id?.$in) && JSON.stringify(projection) !== '{"_id":1}')
    expect(whole).toEqual([])
    expect(finds.length).toBeGreaterThan(1)
    const asked: string[] = []
    client.on('commandStarted', ({ commandName }) => asked.push(commandName))
    expect(await chainNames((work) => work(client.db(database)), undefined, 1_000, 'names')).toEqual([chain])
    // A database user may lack the right to list them.
    expect(asked).not.toContain('listCollections')
    expect(asked).toContain('find')
    await client.close()
    await store.close()
  })

  test('lives of a chain, as they are gone through in memory (chain-lives), are the same on a server', async () => {
    const client = new MongoClient(server.url)
    const raw = client.db(database).collection<ChainDocument>('lives')
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        await raw.deleteMany({})
        await liveThrough(raw, `lives/${randomUUID()}`, plan)
        if (plan.deaths === 0) expect(await raw.find({}).toArray()).toEqual([])
      }),
      { numRuns: extent({ quick: 5, usual: 5, full: 200 }), ...planSeed, endOnFailure: true },
    )
    await client.close()
  })

  test('a URL that can not be read is refused without being quoted', () => {
    const make = () => createMongoStore({ url: 'mongodb://user:hush@[/', database })
    expect(make).toThrow(expect.objectContaining({ code: 'ConfigInvalid', message: expect.not.stringContaining('hush') }))
  })

  describe('indexes', { timeout: 240_000 }, () => {
    const withIndexes = async () => {
      const name = server.database()
      // The indexes of all kinds are made at once: none shall be late because the machine is busy.
      const open = () => createMongoStore({ url: server.url, database: name, dueKinds, deadlineMs: 30_000 })
      const client = new MongoClient(server.url)
      onTestFinished(() => client.close())
      return { open, db: client.db(name) }
    }

    test('of an empty store are made by whoever starts first, by several at once, and by nobody twice', async () => {
      const { open, db } = await withIndexes()
      const stores = Array.from({ length: 4 }, open)
      const ready = (store: Store) => expect.poll(() => store.ping().then(() => 'ready', describeError), { timeout: 60_000 }).toBe('ready')
      await Promise.all(stores.map(ready))
      for (const kind of dueKinds) {
        const found = await db.collection(kind).indexes()
        expect(found.map(({ name, key }) => ({ name, key }))).toEqual([
          { name: '_id_', key: { _id: 1 } },
          { name: 'due', key: { due: 1 } },
        ])
      }
      // One claim of one number, whoever makes it: by the insert alone.
      const answers = await Promise.all(stores.map((store, i) => store.append('session/one', 1, `nonce${i}`, record)))
      expect(answers.filter((answer) => answer === 'Done')).toHaveLength(1)
      for (const store of stores) await store.close()
    })

    test('one that can not be built: not ready, and says why; records are written all the same; ready when it can', async () => {
      const { open, db } = await withIndexes()
      await db.collection('session').createIndex({ kind: 1 }, { name: 'due' })
      const store = open()
      const said = () =>
        store.ping().then(
          () => undefined,
          (error: unknown) => error,
        )
      const refused = { code: 'StoreUnavailable', asked: expect.stringContaining('session') }
      await expect.poll(said, { timeout: 60_000 }).toMatchObject(refused)
      await expect(store.due('session', 1, 1)).rejects.toMatchObject({ code: 'StoreUnavailable' })
      expect(await store.append('session/one', 1, 'nonce', record)).toBe('Done')
      expect(await store.head('session/one')).toMatchObject({ n: 1 })
      await db.collection('session').dropIndex('due')
      await expect.poll(() => store.ping().then(() => 'ready', describeError), { timeout: 60_000 }).toBe('ready')
      await store.close()
    })
  })

  test.each(['hang', 'refuse'] as const)(
    'a server that does %s: StoreUnavailable within the deadline; well again afterwards',
    async (fault) => {
      const chain = `away/${randomUUID()}`
      const proxy = await startProxy(server.url)
      const store = createMongoStore({ url: proxy.url, database, deadlineMs: 1_000 })
      expect(await store.append(chain, 1, 'a', record)).toBe('Done')
      proxy.set(fault)
      const asked = [store.append(chain, 2, 'b', record), store.head(chain), store.read(chain, 1, 5), store.prune(chain, 2), store.ping()]
      for (const answer of await Promise.allSettled(asked)) {
        expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'StoreUnavailable' } })
      }
      proxy.set('forward')
      await expect.poll(() => store.append(chain, 2, 'b', record).catch(() => 'away'), { timeout: 60_000 }).toBe('Done')
      expect(await store.head(chain)).toMatchObject({ n: 2, nonce: 'b' })
      await store.close()
      await proxy.close()
    },
  )

  test('a server that is away at the beginning is found when it is there', async () => {
    const proxy = await startProxy(server.url)
    proxy.set('refuse')
    const store = createMongoStore({ url: proxy.url, database, deadlineMs: 500 })
    await expect(store.ping()).rejects.toMatchObject({ code: 'StoreUnavailable' })
    await expect(store.ping()).rejects.toMatchObject({ code: 'StoreUnavailable' })
    proxy.set('forward')
    await expect
      .poll(
        () =>
          store.ping().then(
            () => 'there',
            () => 'away',
          ),
        { timeout: 60_000 },
      )
      .toBe('there')
    await store.close()
    await proxy.close()
  })

  test('a server that was killed has, when it is back, what was Done', async () => {
    const chain = `killed/${randomUUID()}`
    const store = createMongoStore({ url: server.url, database })
    expect(await store.append(chain, 1, 'a', record)).toBe('Done')
    await server.restart()
    await expect.poll(() => store.head(chain).catch(() => 'away'), { timeout: 60_000 }).toMatchObject({ n: 1, nonce: 'a' })
    await store.close()
  })
})
