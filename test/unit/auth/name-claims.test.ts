import { expect, test } from 'vitest'
import { chains } from '../../../core/chains.ts'
import { NAME_CLAIM_UNDECIDED } from '../../../core/timing.ts'
import { checkCredentials, deleteAccount, register } from '../../../services/auth/accounts.ts'
import { nameHolder } from '../../../services/auth/name-claims.ts'
import { cheap } from './serve-app.ts'
import { PASSWORD, stage } from './stage.ts'

/** An account of the first release, whose name is claimed under its folded form alone. */
async function withOldAccount(name: string) {
  const { store, clock } = await stage()
  const deps = { store, clock, passwords: cheap }
  const data = { name, passwordHash: await cheap.hash(PASSWORD), createdAt: clock.now() }
  const chain = chains.accountName(name.toLowerCase())
  await store.append(chain, 1, 'claim', { kind: 'claimed', data: { account: 'old', claimedAt: clock.now() } })
  return { ...deps, deps, chain, make: () => store.append(chains.account('old'), 1, 'make', { kind: 'created', data }) }
}

test('whoever registers what looks like the name of an account of the first release does not become its holder', async () => {
  const { store, deps, make } = await withOldAccount('Bill')
  await make()
  const stranger = await register(deps, 'B1ll', 'another pass word')
  for (const writing of ['Bill', 'BILL', 'bill']) expect(await nameHolder(store, writing)).toBe('old')
  expect(await nameHolder(store, 'B1ll')).toBe(stranger.id)
  expect((await checkCredentials(deps, 'Bill', PASSWORD)).id).toBe('old')
  await expect(checkCredentials(deps, 'Bill', 'another pass word')).rejects.toMatchObject({ code: 'WrongCredentials' })
  await expect(register(deps, 'bill', PASSWORD)).rejects.toMatchObject({ code: 'NameTaken' })
})

test('a name that an account of the first release has is refused, and is free when that is deleted', async () => {
  const { store, deps, make } = await withOldAccount('Bill')
  await make()
  await expect(register(deps, 'BILL', PASSWORD)).rejects.toMatchObject({ code: 'NameTaken' })
  await deleteAccount(deps, 'old')
  const next = await register(deps, 'Bill', PASSWORD)
  expect(await nameHolder(store, 'bill')).toBe(next.id)
})

test('a claim of the first release whose account was never made does not stand before a later one', async () => {
  const { store, clock, deps, chain } = await withOldAccount('Bill')
  await expect(register(deps, 'Bill', PASSWORD)).rejects.toMatchObject({ code: 'NameTaken' })
  clock.advance(NAME_CLAIM_UNDECIDED)
  const made = await register(deps, 'Bill', PASSWORD)
  expect(await nameHolder(store, 'Bill')).toBe(made.id)
  expect(await store.head(chain)).toMatchObject({ kind: 'freed' })
})
