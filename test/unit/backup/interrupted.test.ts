import { expect, test } from 'vitest'
import { chains } from '../../../core/chains.ts'
import { ManualClock } from '../../../core/clock.ts'
import { sweepErasures } from '../../../core/erasures.ts'
import { silentLog as log } from '../../../core/ports/log-port.ts'
import type { ArchivedStore } from '../../../core/ports/store-archive-port.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { deleteAccount, findAccount, makeAccount } from '../../../services/auth/accounts.ts'
import { eraseDeleted } from '../../../services/auth/erasure.ts'
import { backUp } from '../../../services/backup/backup.ts'
import { recordsInUse } from '../../../services/backup/copying.ts'
import { restore } from '../../../services/backup/restore.ts'
import { Spool } from '../../../services/backup/spool.ts'
import { extent } from '../../faults/extent.ts'
import { ModelWorld } from './model.ts'

const inMemory = (): Promise<ArchivedStore> => createSqliteStore({ file: ':memory:' })
const clock = new ManualClock()

async function backupOf(live: ArchivedStore): Promise<ArchivedStore> {
  const [to, scratch] = await Promise.all([inMemory(), inMemory()])
  await backUp({ from: live, to, scratch, clock, log })
  await scratch.close()
  return to
}

/** The same store, which asks `before` each time it is about to do what `calls` names. */
function watched(store: ArchivedStore, calls: readonly (keyof ArchivedStore)[], before: () => Promise<void>): ArchivedStore {
  const wrapped = calls.map((call) => {
    const own = store[call] as (...args: unknown[]) => Promise<unknown>
    const watchedCall = async (...args: unknown[]): Promise<unknown> => {
      await before()
      return own(...args)
    }
    return [call, watchedCall] as const
  })
  return { ...store, ...Object.fromEntries(wrapped) }
}

test('a restore that ended at any write is gone on with by the same backup, and by no other', async () => {
  const live = await inMemory()
  const world = await ModelWorld.create(live)
  for (let choice = 0; choice < 60; choice++) await world.act((choice * 7) % 72)
  const backup = await backupOf(live)
  await live.append('account/later', 1, 'a', { kind: 'created', data: {} })
  const another = await backupOf(live)
  const every = extent({ quick: 7, usual: 3, full: 1 })
  const refused = { code: 'ConfigInvalid' }
  for (let writes = 0, ended = false; !ended; writes += every) {
    const target = await inMemory()
    let left = writes
    const mortal = watched(target, ['append', 'plant'], async () => {
      if (left-- === 0) throw new Error('killed')
    })
    ended = await restore({ from: backup, to: mortal, log }).then(
      () => true,
      () => false,
    )
    if (writes > 0) await expect(restore({ from: another, to: target, log })).rejects.toMatchObject(refused)
    if (!ended) await restore({ from: backup, to: target, log })
    expect(await world.places(target)).toEqual(await world.places(live))
    await expect(restore({ from: backup, to: target, log })).rejects.toMatchObject(refused)
    await target.close()
  }
})

test('a restore into which somebody else writes is told, whatever they write', async () => {
  const live = await inMemory()
  await ModelWorld.create(live)
  const backup = await backupOf(live)
  for (const chain of ['aaa/first', chains.character('ann'), 'zzz/last']) {
    const target = await inMemory()
    let done = false
    const shared = watched(target, ['plant'], async () => {
      const n = ((await target.head(chain))?.n ?? 0) + 1
      if (!done) await target.append(chain, n, 'theirs', { kind: 'x', data: {} })
      done = true
    })
    await expect(restore({ from: backup, to: shared, log }), chain).rejects.toMatchObject({ code: 'StoreCorrupt' })
    await target.close()
  }
})

test('the store that was restored can be backed up and restored again', async () => {
  const live = await inMemory()
  const world = await ModelWorld.create(live)
  const [once, twice] = await Promise.all([inMemory(), inMemory()])
  const first = await restore({ from: await backupOf(live), to: once, log })
  const second = await restore({ from: await backupOf(once), to: twice, log })
  expect(second.digest).toBe(first.digest)
  expect(await world.places(twice)).toEqual(await world.places(live))
})

test('an account erased at any moment of a backup is whole, or is erased again, where that is restored', async () => {
  const outcomes = new Set<string>()
  const every = extent({ quick: 4, usual: 2, full: 1 })
  for (let moment = 1, over = false; !over; moment += every) {
    const [live, to, scratch, target] = await Promise.all([inMemory(), inMemory(), inMemory(), inMemory()])
    const account = await makeAccount({ store: live, clock }, 'Ann', async () => null)
    const theirs = [chains.character('ann'), chains.charactersOf(account.id)]
    for (const chain of theirs) await live.append(chain, 1, 'made', { kind: 'theirs', data: {} })
    const erase = async (store: ArchivedStore): Promise<void> => {
      const failed = (_: string, error: unknown): never => {
        throw error
      }
      await eraseDeleted({ store, clock }, failed)
      const eraseTheirs = async (): Promise<void> => {
        for (const chain of theirs)
          if ((await store.head(chain))?.kind === 'theirs') await store.append(chain, 2, 'erased', { kind: 'erased', data: {} })
      }
      await sweepErasures(store, 'characters', clock.now(), { erase: eraseTheirs, failed })
    }
    let calls = 0
    const from = watched(live, ['head', 'read', 'chains'], async () => {
      if (++calls !== moment) return
      await deleteAccount({ store: live, clock }, account.id)
      await erase(live)
    })
    await backUp({ from, to, scratch, clock, log })
    over = calls < moment
    await restore({ from: to, to: target, log })
    await erase(target)
    const lives = (await findAccount(target, account.id)) !== undefined
    for (const chain of theirs) expect((await target.head(chain))?.kind, `${chain}, moment ${moment}`).toBe(lives ? 'theirs' : 'erased')
    outcomes.add(lives ? 'lives' : 'erased')
    await Promise.all([live, to, scratch, target].map((store) => store.close()))
  }
  expect(outcomes).toEqual(new Set(['lives', 'erased']))
})

test('a long chain that is pruned while it is read is read again, in pages', async () => {
  const [live, scratch] = await Promise.all([inMemory(), inMemory()])
  const spool = new Spool(scratch)
  for (let n = 1; n <= 60; n++) await live.append('audit', n, `k${n}`, { kind: 'x', data: { n } })
  let reads = 0
  let most = 0
  const from: ArchivedStore = {
    ...live,
    read: async (chain, at, limit, which) => {
      if (++reads === 5) await live.prune('audit', 50)
      most = Math.max(most, limit)
      return live.read(chain, at, limit, which)
    },
  }
  const numbers: number[] = []
  for await (const { n, nonce, data } of recordsInUse(from, 'audit', spool)) {
    expect([nonce, data]).toEqual([`k${n}`, { n }])
    numbers.push(n)
  }
  expect(numbers).toEqual(Array.from({ length: 11 }, (_, i) => 50 + i))
  expect(most).toBeLessThanOrEqual(4)
  expect(reads).toBeGreaterThan(5)
})
