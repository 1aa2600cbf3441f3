import { expect, test } from 'vitest'
import { chains } from '../../../core/chains.ts'
import { PutOff } from '../../../core/due-sweep.ts'
import { retryErasure, sweepErasures, tellFailedErasures } from '../../../core/erasures.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import { ERASURE_KEPT, ERASURE_RETRY_MAX, ERASURE_RETRY_MIN, ERASURE_UNDECIDED, NAME_CLAIM_UNDECIDED } from '../../../core/timing.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { deleteAccount, findAccount, register } from '../../../services/auth/accounts.ts'
import { eraseDeleted } from '../../../services/auth/erasure.ts'
import { grantRole, makeOwner, readStaff } from '../../../services/auth/staff.ts'
import { sweepAuth } from '../../../services/auth/sweep.ts'
import { sweepDue } from '../../../services/characters/sweep.ts'
import { mortal } from './mortal.ts'
import { cheap, collectLog } from './serve-app.ts'
import { PASSWORD, problem, stage } from './stage.ts'

const mayNotFail = (account: string, error: unknown): void => {
  throw new Error(`the erasure of ${account} failed`, { cause: error })
}

test('deleting asks for the password; then nobody is logged in, and the name is free', async () => {
  const { player, ask, refresh, login, register } = await stage()
  const ann = await player('Ann')
  const remove = (password: string) => ask('POST', '/v1/accounts/current/deletion', { password }, ann.accessToken)
  expect(problem(await remove('not this one'))).toEqual({ status: 401, code: 'WrongCredentials' })
  expect((await remove(PASSWORD)).status).toBe(204)
  expect(problem(await remove(PASSWORD))).toEqual({ status: 401, code: 'SessionEnded' })
  expect(problem(await refresh(ann.refreshToken))).toEqual({ status: 401, code: 'SessionEnded' })
  expect(problem(await login('Ann'))).toEqual({ status: 401, code: 'WrongCredentials' })
  expect((await register('Ann')).status).toBe(201)
})

test('what was deleted is erased: no name, no hash, no client, no session stays in the store', async () => {
  const { player, ask, store, clock } = await stage()
  const ann = await player('Ann-the-first')
  await ask('POST', '/v1/accounts/current/deletion', { password: PASSWORD }, ann.accessToken)
  expect(await eraseDeleted({ store, clock }, mayNotFail)).toBe(1)
  expect(await eraseDeleted({ store, clock }, mayNotFail)).toBe(0)
  expect(await store.read(chains.account(ann.account.id), 1, 10)).toMatchObject([{ kind: 'erased', data: {} }])
  expect(await store.head(chains.sessionsOf(ann.account.id))).toMatchObject({ kind: 'erased', data: {} })
  expect(await store.read(chains.session(ann.refreshToken.split('.')[0] ?? ''), 1, 10)).toMatchObject([
    { kind: 'ended', data: { reason: 'AccountDeleted' } },
  ])
})

test('who is erased is no admin or moderator any more; only that there was an owner is known', async () => {
  const { store, clock } = await stage()
  const deps = { store, clock, passwords: cheap }
  const ids: string[] = []
  for (const name of ['Olga', 'Adam', 'Moda', 'Mary']) ids.push((await register(deps, name, PASSWORD)).id)
  const [owner = '', admin = '', moderator = '', stays = ''] = ids
  await makeOwner(store, owner, clock.now())
  await grantRole(store, admin, 'admin', clock.now())
  for (const id of [moderator, stays]) await grantRole(store, id, 'moderator', clock.now())
  for (const id of [owner, admin, moderator]) await deleteAccount(deps, id)
  expect(await eraseDeleted({ store, clock }, mayNotFail)).toBe(3)
  expect((await readStaff(store)).map(({ account }) => account)).toEqual([owner, stays])
  expect(await store.read(chains.staff, 1, 10)).toHaveLength(1)
})

test.each([1, 2, 3])('a death before write %i of a deletion: the account is whole, or gone with all that is its own', async (write) => {
  const { store, clock } = await stage()
  const deps = { store, clock, passwords: cheap }
  const { id } = await register(deps, 'Ann', PASSWORD)
  await expect(deleteAccount({ store: mortal(store, write), clock }, id)).rejects.toThrow('killed')
  clock.advance(ERASURE_UNDECIDED)
  await eraseDeleted({ store, clock }, mayNotFail)
  if ((await findAccount(store, id)) === undefined) expect((await register(deps, 'Ann', PASSWORD)).id).not.toBe(id)
  else await expect(register(deps, 'Ann', PASSWORD)).rejects.toMatchObject({ code: 'NameTaken' })
  expect((await findAccount(store, id)) === undefined).toBe(write === 3)
})

test('a name whose account was never made is free when its time is over, and not before', async () => {
  const { store, clock } = await stage()
  const deps = { store, clock, passwords: cheap }
  await expect(register({ ...deps, store: mortal(store, 2) }, 'Ann', PASSWORD)).rejects.toThrow('killed')
  await expect(register(deps, 'Ann', PASSWORD)).rejects.toMatchObject({ code: 'NameTaken' })
  clock.advance(NAME_CLAIM_UNDECIDED)
  const answers = await Promise.allSettled(Array.from({ length: 5 }, () => register(deps, 'Ann', PASSWORD)))
  expect(answers.filter((answer) => answer.status === 'fulfilled')).toHaveLength(1)
})

test('each service erases at its own pace; what failed is tried again later and later, and what all have passed is dropped some days later', async () => {
  const store = await createSqliteStore({ file: ':memory:' })
  const { clock } = await stage()
  const deps = { store, clock, passwords: cheap }
  const ids: string[] = []
  for (const name of ['Ann', 'Bob', 'Carl']) ids.push((await register(deps, name, PASSWORD)).id)
  const bob = ids[1] ?? ''
  for (const id of ids) await deleteAccount(deps, id)
  const [erased, failures]: [string[], string[]] = [[], []]
  const work = {
    async erase(account: string) {
      if (account === bob && failures.length < 3) throw new Error('away')
      erased.push(account)
    },
    failed: (account: string) => void failures.push(account),
  }
  const sweep = () => sweepErasures(store, 'characters', clock.now(), work)
  const again = () => retryErasure(store, 'characters', bob, clock.now(), work)
  const due = () => store.due('characters-erasures', clock.now(), 10)
  expect([await sweep(), await sweep(), await due()]).toEqual([2, 0, []])
  const waits: number[] = []
  for (let began = clock.now(); failures.length < 3; began = clock.now()) {
    while ((await due()).length === 0) clock.advance(1_000)
    expect(await due()).toEqual([chains.erasureRetry('characters', bob)])
    waits.push(clock.now() - began)
    await again()
  }
  for (const [i, wait] of waits.entries()) {
    const most = ERASURE_RETRY_MIN * 2 ** i
    expect(wait).toBeGreaterThanOrEqual(most * 0.75)
    expect(wait).toBeLessThanOrEqual(most + 1_000)
  }
  expect(erased).toEqual([ids[0], ids[2]])
  expect(await store.read(chains.erasures, 1, 10)).toHaveLength(3)
  // The other service was not asked to do anything twice, and nobody was asked for anew before it was done.
  expect(await eraseDeleted({ store, clock }, mayNotFail)).toBe(3)
  clock.advance(ERASURE_RETRY_MAX)
  await again()
  expect(erased).toEqual([ids[0], ids[2], bob])
  expect([await due(), await store.head(chains.erasureRetry('characters', bob))]).toMatchObject([[], { kind: 'done' }])
  // Once more, for a backup that was begun before.
  expect([await sweep(), await eraseDeleted({ store, clock }, mayNotFail)]).toEqual([1, 1])
  await again()
  expect(await store.read(chains.erasures, 1, 10)).toHaveLength(4)
  clock.advance(ERASURE_KEPT)
  await deleteAccount(deps, (await register(deps, 'Dora', PASSWORD)).id)
  expect([await sweep(), await eraseDeleted({ store, clock }, mayNotFail)]).toEqual([1, 1])
  expect((await store.read(chains.erasures, 1, 10)).map(({ n }) => n)).toEqual([4, 5])
  await store.close()
})

test('an account whose records can not be read keeps nobody else from being erased, and does not multiply', async () => {
  const { store, clock } = await stage()
  const deps = { store, clock, passwords: cheap }
  const [ann, bob] = [await register(deps, 'Ann', PASSWORD), await register(deps, 'Bob', PASSWORD)]
  await store.append(chains.sessionsOf(ann.id), 1, 'broken', { kind: 'roster', data: { sessions: 'none' } })
  for (const { id } of [ann, bob]) await deleteAccount(deps, id)
  const told: unknown[] = []
  const failed = tellFailedErasures({ warn: (fields) => void told.push(fields) })
  const { log } = collectLog()
  const sweep = () => sweepAuth({ store, clock, log }, { putOff: new PutOff(), failed })
  for (let k = 0; k < 5; k++) {
    await Promise.all([sweep(), sweep()])
    clock.advance(ERASURE_RETRY_MAX)
  }
  expect(told).toMatchObject([{ account: ann.id, detail: expect.stringContaining('can not be read back') }])
  expect(await store.head(chains.account(bob.id))).toMatchObject({ kind: 'erased' })
  expect((await store.head(chains.erasures))?.n).toBe(2)
  expect(await store.read(chains.erasureRetry('auth', ann.id), 1, 10)).toMatchObject([{ kind: 'failed' }])
})

test('what is due for characters is done whatever becomes of the erasures', async () => {
  const { store, clock } = await stage()
  const { log } = collectLog()
  await store.append(chains.erasures, 1, 'broken', { kind: 'asked', data: {} })
  await store.append(chains.requestsOf('Ann'), 1, 'due', { kind: 'requests', data: { requests: [] }, due: clock.now() - 1 })
  const done: unknown[] = []
  const watched: Store = {
    ...store,
    async due(kind, before, limit) {
      done.push(kind)
      return store.due(kind, before, limit)
    },
  }
  const deps = { store: watched, clock, limit: 8, log }
  await expect(sweepDue(deps)).rejects.toMatchObject({ code: 'StoreCorrupt' })
  expect(done).toEqual(['character', 'account-characters', 'account-requests', 'characters-erasures'])
})
