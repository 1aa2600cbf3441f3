import { randomUUID } from 'node:crypto'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { dueKinds } from '../../core/chains.ts'
import { describeError } from '../../core/errors.ts'
import type { Store } from '../../core/ports/store-port.ts'
import type { ChainDocument, Chains, Step } from '../../platform/mongo/documents.ts'
import { hintId } from '../../platform/mongo/documents.ts'
import { createMongoStore } from '../../platform/mongo/index.ts'
import { pruneChain } from '../../platform/mongo/prune.ts'
import { removeChain } from '../../platform/mongo/remove.ts'
import { backupContract } from './backup-contract.ts'
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

/** Work that goes on only so many steps as it is let. */
function inSteps(chains: Chains, work: (step: Step) => Promise<unknown>) {
  let allowed = 0
  let waiting: (() => void) | undefined
  let atRest: (() => void) | undefined
  const step: Step = async (one) => {
    if (allowed === 0) {
      await new Promise<void>((go) => {
        waiting = go
        atRest?.()
      })
    }
    allowed -= 1
    return one(chains)
  }
  const done = work(step)
  return {
    /** Ends when so many steps are done, or there are no more. */
    async advance(steps: number): Promise<void> {
      if (steps === 0) return
      const rest = new Promise<void>((resolve) => {
        atRest = resolve
      })
      allowed = steps
      waiting?.()
      await Promise.race([rest, done])
    },
    async end(): Promise<void> {
      allowed = Number.POSITIVE_INFINITY
      waiting?.()
      await done
    },
  }
}

storeContract('MongoDB', { open, runs: 15 })
storeArchiveContract('MongoDB', open)
backupContract('MongoDB', () => open(server.database()))

describe('MongoDB', { timeout: 90_000 }, () => {
  test('the head is found with the hint missing, far behind, or behind the floor', async () => {
    const store = createMongoStore({ url: server.url, database })
    const client = new MongoClient(server.url)
    const raw = client.db(database).collection<{ _id: string; head?: number }>('hint')
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

  test('a removal leaves no document; cut short at any step it leaves the head or none, and is ended by the next one', async () => {
    const store = createMongoStore({ url: server.url, database, deadlineMs: 30_000 })
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
      expect(await store.due('remove', 5, 10)).toEqual(head === undefined ? [] : [chain])
      expect(await store.remove(chain, 5)).toBe('Done')
      expect(await store.head(chain)).toBeUndefined()
      expect(await left(chain)).toEqual(head === undefined && removed === 'killed' ? [hintId(chain)] : [])
    }
    expect(steps).toBeGreaterThan(5)
    await store.close()
    await client.close()
  })

  test('however a prune and a removal come between one another, nothing is left, and the chain can be made anew', async () => {
    const store = createMongoStore({ url: server.url, database, deadlineMs: 30_000 })
    const client = new MongoClient(server.url)
    const raw = client.db(database).collection<ChainDocument>('beside')
    for (let ahead = 0; ahead <= 10; ahead++) {
      for (const beside of [1, 2, 4]) {
        const chain = `beside/${randomUUID()}`
        for (let n = 1; n <= 2; n++) await store.append(chain, n, `k${n}`, record)
        const [prune, remove] = [inSteps(raw, (step) => pruneChain(step, chain, 2)), inSteps(raw, (step) => removeChain(step, chain, 2))]
        // The one looks, the other does so many steps, the one some more, then the other ends, then the one; and the other way round.
        const [one, other] = ahead % 2 === 0 ? [prune, remove] : [remove, prune]
        await one.advance(2)
        await other.advance(ahead)
        await one.advance(beside)
        await other.end()
        await one.end()
        const turns = `${ahead} ${beside}`
        expect([turns, await store.head(chain)]).toEqual([turns, undefined])
        expect([turns, (await raw.find({}).toArray()).map(({ _id }) => _id)]).toEqual([turns, []])
        expect(await store.append(chain, 1, 'again', record)).toBe('Done')
        await raw.deleteMany({})
      }
    }
    await store.close()
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
