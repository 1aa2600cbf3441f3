import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LinkedIdentity } from '../../../../core/account-record.ts'
import { chains } from '../../../../core/chains.ts'
import type { Store } from '../../../../core/ports/store-port.ts'
import { findAccount, getAccount, makeAccount } from '../../../../services/auth/accounts.ts'
import { identityHolder, identityKey } from '../../../../services/auth/identities.ts'
import { linkIdentity, unlinkIdentity } from '../../../../services/auth/links-of-account.ts'
import { cheap } from '../serve-app.ts'
import { stage } from '../stage.ts'

const ann = { issuer: 'https://accounts.example', subject: '1' }
const key = identityKey(ann)

async function accounts() {
  const { store, clock } = await stage()
  const deps = { store, clock, passwords: cheap }
  const namedBy = async (id: string): Promise<LinkedIdentity | undefined> =>
    (await findAccount(store, id))?.identities?.find((each) => identityKey(each) === key)
  /** One that has a password, which nobody knows. */
  const made = (name: string) => makeAccount(deps, name, async () => 'hash')
  return { store, deps, namedBy, made }
}

test('a link that takes back what was undone beneath it leaves what another has linked meanwhile', async () => {
  const { store, deps, namedBy, made } = await accounts()
  const { id } = await made('Bob')
  let undone: 'Not yet' | 'Removed' | 'Linked again' = 'Not yet'
  const late: Store = {
    ...store,
    async append(...parts) {
      const result = await store.append(...parts)
      if (undone === 'Not yet' && parts[0] === chains.account(id)) {
        undone = 'Removed'
        await unlinkIdentity(deps, id, key)
      }
      return result
    },
    async head(chain) {
      // It knows by now that its claim is gone, and looks at the account to take it back.
      if (undone === 'Removed' && chain === chains.account(id)) {
        undone = 'Linked again'
        await linkIdentity(deps, id, ann, 'third')
      }
      return store.head(chain)
    },
  }
  await Promise.allSettled([linkIdentity({ ...deps, store: late }, id, ann, 'first')])
  expect([await namedBy(id), await identityHolder(store, key)]).toMatchObject([{ by: 'third' }, id])
})

test('what another account has claimed meanwhile is not said to be had', async () => {
  const { store, deps, namedBy, made } = await accounts()
  const [bob, eve] = [await made('Bob'), await made('Eve')]
  let meanwhile: Promise<unknown> | undefined
  const late: Store = {
    ...store,
    async append(...parts) {
      const result = await store.append(...parts)
      if (parts[0] !== chains.account(bob.id) || meanwhile !== undefined) return result
      // Its claim is freed by who has not seen yet that the account names it, and is Eve's then.
      const claim = chains.identity(key)
      const head = await store.head(claim)
      await store.append(claim, (head?.n ?? 0) + 1, 'freed', { kind: 'freed', data: {} })
      meanwhile = linkIdentity(deps, eve.id, ann)
      await meanwhile
      return result
    },
  }
  await expect(linkIdentity({ ...deps, store: late }, bob.id, ann, 'once')).rejects.toMatchObject({ code: 'IdentityTaken' })
  expect([await namedBy(bob.id), await identityHolder(store, key)]).toEqual([undefined, eve.id])
})

test('a login that the account names without a claim is not its last one', async () => {
  const { store, deps, made } = await accounts()
  const { id } = await made('Bob')
  const other = { ...ann, subject: '2' }
  for (const each of [ann, other]) await linkIdentity(deps, id, each)
  const chain = chains.account(id)
  const head = await store.head(chain)
  await store.append(chain, (head?.n ?? 0) + 1, 'k', { kind: 'changed', data: { ...head?.data, passwordHash: null } })
  const claim = chains.identity(identityKey(other))
  await store.append(claim, ((await store.head(claim))?.n ?? 0) + 1, 'freed', { kind: 'freed', data: {} })
  await expect(unlinkIdentity(deps, id, key)).rejects.toMatchObject({ code: 'LastLogin' })
  expect(await identityHolder(store, key)).toBe(id)
  await linkIdentity(deps, id, other)
  expect(await unlinkIdentity(deps, id, key)).toBe('Done')
  await expect(unlinkIdentity(deps, id, identityKey(other))).rejects.toMatchObject({ code: 'LastLogin' })
})

test('one key links one login, also when two come with it at once', async () => {
  const { store, deps, made } = await accounts()
  const { id } = await made('Bob')
  const linked = await Promise.allSettled(['1', '2', '3'].map((subject) => linkIdentity(deps, id, { ...ann, subject }, 'once')))
  expect(linked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const each of linked) if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'IdempotencyKeyReused' })
  expect((await getAccount(store, id)).identities).toHaveLength(1)
})

test('however links and removals of one login come between one another, who was told that it is linked finds it linked, or removed', async () => {
  const { store, deps, made } = await accounts()
  let people = 0
  const what = fc.constantFrom('link', 'link', 'remove', 'link of another')
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(what, { minLength: 3, maxLength: 6 }), async (turns, asked) => {
      const identity = { ...ann, subject: `subject ${people}` }
      const mine = identityKey(identity)
      const [bob, eve] = [await made(`Bob-${people}`), await made(`Eve-${people}`)]
      people += 1
      await linkIdentity(deps, bob.id, identity)
      const inTurns = <A extends readonly unknown[], T>(work: (...args: A) => Promise<T>) => turns.scheduleFunction(work)
      const slow = { ...deps, store: { ...store, append: inTurns(store.append), head: inTurns(store.head), prune: inTurns(store.prune) } }
      const all = asked.map(async (each, at) => {
        if (each === 'remove') return unlinkIdentity(slow, bob.id, mine, { by: `removal ${at}` })
        return linkIdentity(slow, each === 'link' ? bob.id : eve.id, identity, `link ${at}`)
      })
      const outcomes = await turns.waitFor(Promise.allSettled(all))
      const refusals = ['IdentityUnknown', 'IdentityTaken', 'IdempotencyKeyReused', 'Busy']
      for (const [at, outcome] of outcomes.entries()) {
        if (outcome.status === 'rejected') expect(refusals).toContain(outcome.reason.code)
        else if (asked[at] !== 'remove') {
          const { identities = [], spent = [] } = await getAccount(store, asked[at] === 'link' ? bob.id : eve.id)
          expect([...identities.flatMap(({ by = '', alsoBy = [] }) => [by, ...alsoBy]), ...spent]).toContain(`link ${at}`)
        }
      }
      const named = await Promise.all([bob.id, eve.id].map(async (id) => ((await getAccount(store, id)).identities ?? []).length > 0))
      expect(await identityHolder(store, mine)).toBe(named[0] ? bob.id : named[1] ? eve.id : undefined)
      expect(named).not.toEqual([true, true])
    }),
    { numRuns: 40 },
  )
})
