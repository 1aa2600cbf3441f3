import { expect, test } from 'vitest'
import { chains } from '../../../core/chains.ts'
import { PutOff } from '../../../core/due-sweep.ts'
import { nameKey } from '../../../core/names.ts'
import type { StoredRecord } from '../../../core/ports/store-port.ts'
import { eraseDeleted } from '../../../services/auth/erasure.ts'
import { sweepDue } from '../../../services/characters/sweep.ts'
import { collectLog } from './serve-app.ts'
import { PASSWORD, problem, stage } from './stage.ts'

/** What this release knows of a chain's newest record, in a form that it does not know. */
async function rewritten({ store }: Awaited<ReturnType<typeof stage>>, chain: string, change: Partial<StoredRecord> = {}) {
  const head = await store.head(chain)
  if (head === undefined) throw new Error(`nothing in ${chain}`)
  const { kind, data } = { ...head, ...change }
  expect(await store.append(chain, head.n + 1, 'newer', { kind, data: { ...data, v: 2 } })).toBe('Done')
  return () => store.head(chain)
}

test.each([
  ['account', (id: string) => chains.account(id)],
  ['roster of sessions', (id: string) => chains.sessionsOf(id)],
  ['name', () => chains.accountName(nameKey('Ann'))],
])('an %s that a newer release wrote is refused, and stays as it is', async (_, chainOf) => {
  const world = await stage()
  const ann = await world.player('Ann')
  const headNow = await rewritten(world, chainOf(ann.account.id))
  const before = await headNow()
  const answers = [
    await world.login('Ann'),
    await world.register('Ann'),
    await world.ask('POST', '/v1/accounts/current/password', { password: PASSWORD, newPassword: 'a new pass word' }, ann.accessToken),
    await world.ask('POST', '/v1/accounts/current/deletion', { password: PASSWORD }, ann.accessToken),
  ]
  expect(answers.map(problem)).toContainEqual({ status: 500, code: 'StoreCorrupt' })
  expect(await headNow()).toEqual(before)
})

test('a session that a newer release wrote is neither renewed nor ended', async () => {
  const world = await stage()
  const ann = await world.player('Ann')
  const headNow = await rewritten(world, chains.session(ann.refreshToken.split('.')[0] ?? ''))
  const before = await headNow()
  expect(problem(await world.refresh(ann.refreshToken))).toEqual({ status: 500, code: 'StoreCorrupt' })
  expect(problem(await world.ask('DELETE', '/v1/sessions/current', undefined, ann.accessToken))).toEqual({
    status: 500,
    code: 'StoreCorrupt',
  })
  expect(await headNow()).toEqual(before)
})

test('what a newer release calls deleted is not erased by an older one', async () => {
  const world = await stage()
  const { store, clock } = world
  const ann = await world.player('Ann')
  await world.ask('POST', '/v1/accounts/current/deletion', { password: PASSWORD }, ann.accessToken)
  const headNow = await rewritten(world, chains.account(ann.account.id))
  const before = await headNow()
  const failures: string[] = []
  const { log } = collectLog()
  await eraseDeleted({ store, clock }, (account) => void failures.push(account))
  await sweepDue({ store, clock, limit: 8, log }, { putOff: new PutOff(), failed: (account) => void failures.push(account) })
  expect(failures).toEqual([ann.account.id, ann.account.id])
  expect(await headNow()).toEqual(before)
  expect(await store.head(chains.charactersOf(ann.account.id))).toBeUndefined()
})
