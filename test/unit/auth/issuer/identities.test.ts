import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chains } from '../../../../core/chains.ts'
import { silentLog } from '../../../../core/ports/log-port.ts'
import type { Store } from '../../../../core/ports/store-port.ts'
import { NAME_CLAIM_UNDECIDED } from '../../../../core/timing.ts'
import { deleteAccount, findAccount, getAccount, makeAccount, register } from '../../../../services/auth/accounts.ts'
import { claimIdentity, identityHolder, identityKey } from '../../../../services/auth/identities.ts'
import { linkIdentity, MAX_IDENTITIES, unlinkIdentity } from '../../../../services/auth/links-of-account.ts'
import { nameHolder } from '../../../../services/auth/name-claims.ts'
import { suggestName } from '../../../../services/auth/suggest-name.ts'
import { sweepAuth } from '../../../../services/auth/sweep.ts'
import { mortal } from '../mortal.ts'
import { cheap } from '../serve-app.ts'
import { PASSWORD, stage } from '../stage.ts'

const ann = { issuer: 'https://accounts.example', subject: '1' }
const key = identityKey(ann)

async function accounts() {
  const { store, clock } = await stage()
  const deps = { store, clock, passwords: cheap }
  const make = (name: string, over: Store = store) => makeAccount({ store: over, clock }, name, async () => null, { identity: ann })
  return { store, clock, deps, make }
}

test('two identities are one only with the same issuer and the same subject', () => {
  const pairs = [
    ann,
    { ...ann, subject: '2' },
    { ...ann, issuer: 'https://accounts.example1', subject: '' },
    { issuer: 'https://accounts.example"', subject: ',"1' },
  ]
  expect(new Set(pairs.map(identityKey)).size).toBe(pairs.length)
})

test('of many who make an account of one identity at once one does', async () => {
  const { store, make } = await accounts()
  const made = await Promise.allSettled(Array.from({ length: 8 }, (_, at) => make(`Ann-${at}`)))
  const ids = made.flatMap((each) => (each.status === 'fulfilled' ? [each.value.id] : []))
  expect(ids).toHaveLength(1)
  expect(await identityHolder(store, key)).toBe(ids[0])
  for (const each of made) if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'IdentityTaken' })
  // The names of the others are free again.
  const holders = await Promise.all(made.map((_, at) => nameHolder(store, `Ann-${at}`)))
  expect(holders.filter((holder) => holder !== undefined)).toEqual(ids)
})

describe('a death in between', () => {
  test.each([1, 2, 3])('a death before write %i of the making leaves no account, and after a while no claim that counts', async (write) => {
    const { store, clock, make } = await accounts()
    await expect(make('Ann', mortal(store, write))).rejects.toThrow('killed')
    expect(await identityHolder(store, key)).toBeUndefined()
    clock.advance(NAME_CLAIM_UNDECIDED)
    const { id } = await make('Ann')
    expect([await identityHolder(store, key), await nameHolder(store, 'Ann')]).toEqual([id, id])
  })

  test.each([1, 2])(
    'a death before write %i of a link leaves a claim that counts for nothing, and the same account can link it at once',
    async (write) => {
      const { store, clock, deps } = await accounts()
      const [bob, eve] = [await register(deps, 'Bob', PASSWORD), await register(deps, 'Eve', PASSWORD)]
      await expect(linkIdentity({ store: mortal(store, write), clock }, bob.id, ann)).rejects.toThrow('killed')
      expect(await identityHolder(store, key)).toBeUndefined()
      await linkIdentity(deps, bob.id, ann)
      await expect(linkIdentity(deps, eve.id, ann)).rejects.toMatchObject({ code: 'IdentityTaken' })
      await expect(unlinkIdentity({ store: mortal(store, 3), clock }, bob.id, key)).rejects.toThrow('killed')
      expect(await identityHolder(store, key)).toBeUndefined()
      clock.advance(NAME_CLAIM_UNDECIDED)
      await linkIdentity(deps, eve.id, ann)
      expect(await identityHolder(store, key)).toBe(eve.id)
    },
  )
})

test('a link that hung while its repetition was done, and undone, links nothing', async () => {
  const { store, deps } = await accounts()
  const { id } = await register(deps, 'Bob', PASSWORD)
  // It has asked whether it was done before, and has found nothing, when the rest happens.
  await linkIdentity(deps, id, ann, 'once')
  await unlinkIdentity(deps, id, key)
  await expect(linkIdentity(deps, id, ann, 'once')).rejects.toMatchObject({ code: 'IdempotencyKeyReused' })
  expect([(await getAccount(store, id)).identities ?? [], await identityHolder(store, key)]).toEqual([[], undefined])
  // It reads the account before the repetition is undone, and changes it afterwards.
  let undone = false
  const late: Store = {
    ...store,
    append: async (...parts) => {
      if (!undone) {
        undone = true
        await linkIdentity(deps, id, ann, 'again')
        await unlinkIdentity(deps, id, key)
      }
      return store.append(...parts)
    },
  }
  await expect(linkIdentity({ ...deps, store: late }, id, ann, 'again')).rejects.toMatchObject({ code: 'IdempotencyKeyReused' })
  expect([(await getAccount(store, id)).identities ?? [], await identityHolder(store, key)]).toEqual([[], undefined])
})

test('what a death leaves of a link or of a removal is swept, and holds the id of no account any more', async () => {
  const { store, clock, deps } = await accounts()
  const sweep = () => sweepAuth({ store, clock, log: silentLog })
  const [bob, eve] = [await register(deps, 'Bob', PASSWORD), await register(deps, 'Eve', PASSWORD)]
  clock.advance(NAME_CLAIM_UNDECIDED)
  await sweep()
  const chain = chains.identity(key)
  const rest = async () => {
    clock.advance(NAME_CLAIM_UNDECIDED)
    while ((await sweep()) > 0);
    expect(await store.due('account-identity', Number.MAX_SAFE_INTEGER, 10)).toEqual([])
    return store.read(chain, 1, 10)
  }
  await expect(linkIdentity({ store: mortal(store, 2), clock }, bob.id, ann)).rejects.toThrow('killed')
  expect(await store.head(chain)).toMatchObject({ kind: 'claimed' })
  expect(await rest()).toMatchObject([{ kind: 'freed', data: {} }])
  await linkIdentity(deps, bob.id, ann)
  expect(await rest()).toMatchObject([{ kind: 'claimed', data: { account: bob.id } }])
  // Before its first write, and before that of the account.
  for (const write of [1, 2]) {
    await expect(unlinkIdentity({ store: mortal(store, write), clock }, bob.id, key)).rejects.toThrow('killed')
    expect(await rest()).toMatchObject([{ kind: 'claimed', data: { account: bob.id } }])
    expect(await identityHolder(store, key)).toBe(bob.id)
  }
  await expect(unlinkIdentity({ store: mortal(store, 3), clock }, bob.id, key)).rejects.toThrow('killed')
  expect(await identityHolder(store, key)).toBeUndefined()
  expect(await rest()).toMatchObject([{ kind: 'freed', data: {} }])
  await linkIdentity(deps, eve.id, ann)
  expect(await identityHolder(store, key)).toBe(eve.id)
})

test('however requests to link and to remove one login come between one another, an account has it when it opens the account', async () => {
  const { store, clock, deps } = await accounts()
  let people = 0
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(fc.constantFrom('link', 'remove'), { minLength: 2, maxLength: 5 }), async (turns, asked) => {
      const identity = { ...ann, subject: `subject ${people}` }
      const mine = identityKey(identity)
      const { id } = await register(deps, `Person-${people++}`, PASSWORD)
      if (people % 2 === 0) await linkIdentity(deps, id, identity)
      const inTurns = <A extends readonly unknown[], T>(work: (...args: A) => Promise<T>) => turns.scheduleFunction(work)
      const slow: Store = { ...store, append: inTurns(store.append), head: inTurns(store.head), prune: inTurns(store.prune) }
      const all = asked.map((what) =>
        what === 'link' ? linkIdentity({ ...deps, store: slow }, id, identity) : unlinkIdentity({ ...deps, store: slow }, id, mine),
      )
      for (const outcome of await turns.waitFor(Promise.allSettled(all))) {
        if (outcome.status === 'rejected') expect(['IdentityUnknown', 'IdentityTaken', 'Busy']).toContain(outcome.reason.code)
      }
      const { identities = [] } = (await findAccount(store, id)) ?? {}
      expect(await identityHolder(store, mine)).toBe(identities.length === 0 ? undefined : id)
      clock.advance(NAME_CLAIM_UNDECIDED)
      while ((await sweepAuth({ store, clock, log: silentLog })) > 0);
      expect(await identityHolder(store, mine)).toBe(identities.length === 0 ? undefined : id)
      const chain = chains.identity(mine)
      expect((await store.head(chain))?.kind ?? 'freed').toBe(identities.length === 0 ? 'freed' : 'claimed')
    }),
    { numRuns: 40 },
  )
})

test('one who was so slow that the identity was taken for nobody’s does not have it', async () => {
  const { store, clock, make } = await accounts()
  const slow: Store = {
    ...store,
    async append(...args) {
      if (args[0].startsWith('account/')) {
        clock.advance(NAME_CLAIM_UNDECIDED)
        await make('Ann-the-second')
      }
      return store.append(...args)
    },
  }
  await expect(make('Ann', slow)).rejects.toMatchObject({ code: 'NameTaken' })
  const holder = (await identityHolder(store, key)) ?? ''
  expect((await findAccount(store, holder))?.name).toBe('Ann-the-second')
})

test('an account has so many, and no more', async () => {
  const { deps, store } = await accounts()
  const { id } = await register(deps, 'Bob', PASSWORD)
  for (let k = 0; k < MAX_IDENTITIES; k++) await linkIdentity(deps, id, { ...ann, subject: `s${k}` })
  await linkIdentity(deps, id, { ...ann, subject: 's0' })
  await expect(linkIdentity(deps, id, ann)).rejects.toMatchObject({ code: 'TooManyIdentities' })
  expect(await identityHolder(store, key)).toBeUndefined()
  expect(await store.head(chains.identity(key))).toBeUndefined()
})

describe('a link that is refused after its claim leaves none', () => {
  test.each<[string, (deps: Awaited<ReturnType<typeof accounts>>['deps'], id: string) => Promise<unknown>]>([
    ['TooManyIdentities', (deps, id) => linkIdentity(deps, id, { ...ann, subject: 'the last one' })],
    ['AccountUnknown', (deps, id) => deleteAccount(deps, id)],
  ])('%s', async (code, meanwhile) => {
    const { deps, store } = await accounts()
    const { id } = await register(deps, 'Bob', PASSWORD)
    for (let k = 1; k < MAX_IDENTITIES; k++) await linkIdentity(deps, id, { ...ann, subject: `s${k}` })
    const chain = chains.identity(key)
    const late: Store = {
      ...store,
      async append(...args) {
        const result = await store.append(...args)
        if (args[0] === chain && args[3].kind === 'claimed') await meanwhile(deps, id)
        return result
      },
    }
    await expect(linkIdentity({ ...deps, store: late }, id, ann)).rejects.toMatchObject({ code })
    expect(await store.read(chain, 1, 10)).toMatchObject([{ kind: 'freed', data: {} }])
  })
})

test('a claim that stands in the store names nobody', async () => {
  const { store, clock } = await accounts()
  await claimIdentity(store, key, 'account-1', clock.now())
  const chain = chains.identity(key)
  expect(JSON.stringify([chain, await store.head(chain)])).not.toContain('accounts.example')
})

test.each([
  ['Ann Bonny', 'Ann_Bonny'],
  ['ann@example.org', 'ann'],
  ['  Ann  ', 'Ann'],
  ['Ｊａｃｋ Rackham!!', 'Jack_Rackham'],
  ['раураl', undefined],
  ['Admin', undefined],
  ['Al', undefined],
  ['x'.repeat(100), 'x'.repeat(24)],
  ['日本太郎', '日本太郎'],
  ['', undefined],
  [undefined, undefined],
])('of one who is called %j elsewhere the suggested name is %j', (called, name) => {
  expect(suggestName(called)).toBe(name)
})
