import { expect, test } from 'vitest'
import { chains } from '../../../core/chains.ts'
import { PutOff } from '../../../core/due-sweep.ts'
import { nameKey } from '../../../core/names.ts'
import type { ListedStore } from '../../../core/ports/store-archive-port.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import { DUE_SWEEP_EVERY, DUE_SWEEP_PUT_OFF_MAX, NAME_CLAIM_UNDECIDED, SESSION_FORGOTTEN_AFTER, SESSION_TTL } from '../../../core/timing.ts'
import { findAccount, makeAccount, register } from '../../../services/auth/accounts.ts'
import { nameHolder, settleName } from '../../../services/auth/name-claims.ts'
import { readRoster } from '../../../services/auth/roster.ts'
import { sweepAuth } from '../../../services/auth/sweep.ts'
import { cheap, collectLog, session } from './serve-app.ts'
import { PASSWORD, problem, stage } from './stage.ts'

async function swept() {
  const world = await stage()
  const { log, lines } = collectLog()
  const { store, clock } = world
  const post = (path: string, body: object, headers: Readonly<Record<string, string>>) => world.ask('POST', path, body, undefined, headers)
  return {
    ...world,
    post,
    lines,
    deps: { store, clock, passwords: cheap },
    sweep: (at: ListedStore = store) => sweepAuth({ store: at, clock, log }),
  }
}

const claimOf = (name: string) => chains.accountName(nameKey(name))
const sessionOf = (refreshToken: string) => chains.session(refreshToken.split('.')[0] ?? '')

test('a session that nobody used for so long that nobody can is ended, and says nothing of its account', async () => {
  const { player, refresh, clock, store, sweep } = await swept()
  const ann = await player('Ann')
  clock.advance(SESSION_TTL - 1)
  const { body } = await refresh(ann.refreshToken)
  clock.advance(1)
  await sweep()
  // What was due before it was renewed is only dropped.
  const live = await store.read(sessionOf(ann.refreshToken), 1, 10)
  expect(live).toMatchObject([{ kind: 'live' }])
  clock.advance(SESSION_TTL)
  expect(await sweep()).toBeGreaterThan(0)
  const left = await store.read(sessionOf(ann.refreshToken), 1, 10)
  expect(left).toMatchObject([{ kind: 'ended', data: { reason: 'Expired' } }])
  expect(JSON.stringify(left)).not.toContain(ann.account.id)
  expect((await readRoster(store, ann.account.id))?.sessions).toEqual([])
  expect(problem(await refresh(String(body['refreshToken'])))).toEqual({ status: 401, code: 'SessionEnded' })
  expect(await sweep()).toBe(0)
})

test('a session that has ended is forgotten after a while, and is as unknown then as it was over before', async () => {
  const { player, refresh, ask, post, clock, store, sweep } = await swept()
  const ann = await player('Ann')
  const bob = await player('Bob')
  const keyed = { 'idempotency-key': 'a-key-of-1' }
  const again = () => post('/v1/sessions', { name: 'Ann', password: PASSWORD }, keyed)
  const { refreshToken } = session.parse((await again()).body)
  await ask('DELETE', '/v1/sessions/current', undefined, ann.accessToken)
  await refresh(refreshToken)
  expect(problem(await refresh(refreshToken)).code).toBe('RefreshReused')
  const gone = [sessionOf(ann.refreshToken), sessionOf(refreshToken)]
  for (const chain of gone) expect(await store.head(chain)).toMatchObject({ kind: 'ended' })
  clock.advance(SESSION_FORGOTTEN_AFTER - 1)
  await sweep()
  for (const chain of gone) expect(await store.head(chain)).toMatchObject({ kind: 'ended' })
  expect(problem(await again()).code).toBe('IdempotencyKeyReused')
  clock.advance(1)
  // By several at once.
  await Promise.all([sweep(), sweep(), sweep()])
  for (const chain of gone) expect(await store.read(chain, 1, 10)).toEqual([])
  expect(await store.head(sessionOf(bob.refreshToken))).toMatchObject({ kind: 'live' })
  for (const token of [ann.refreshToken, refreshToken]) expect(problem(await refresh(token))).toEqual({ status: 401, code: 'SessionEnded' })
  expect(problem(await ask('GET', '/v1/accounts/current', undefined, ann.accessToken)).status).toBe(401)
  expect(await sweep()).toBe(0)
  // What opened it is forgotten with it: the password opens another one.
  expect((await again()).status).toBe(201)
})

test('a session that its full roster has dropped is ended when its time is over', async () => {
  const { player, clock, store, sweep } = await swept()
  const ann = await player('Ann')
  const chain = chains.sessionsOf(ann.account.id)
  const head = await store.head(chain)
  await store.append(chain, (head?.n ?? 0) + 1, 'dropped', { kind: 'roster', data: { sessions: [], lastLoginAt: clock.now() } })
  clock.advance(SESSION_TTL)
  await sweep()
  expect(await store.read(sessionOf(ann.refreshToken), 1, 10)).toMatchObject([{ kind: 'ended' }])
})

test('the claim of a name stays when its account was made, and is freed by the sweep when it was not', async () => {
  const { deps, store, clock, sweep } = await swept()
  const ann = await register(deps, 'Ann', PASSWORD)
  const dying: Store = {
    ...store,
    async append(chain, ...args) {
      if (chain.startsWith('account/')) throw new Error('killed')
      return store.append(chain, ...args)
    },
  }
  await expect(register({ ...deps, store: dying }, 'Bob', PASSWORD)).rejects.toThrow('killed')
  await sweep()
  expect([await nameHolder(store, 'Ann'), await nameHolder(store, 'Bob')]).toEqual([ann.id, expect.any(String)])
  clock.advance(NAME_CLAIM_UNDECIDED)
  expect(await sweep()).toBe(2)
  expect([await nameHolder(store, 'Ann'), await nameHolder(store, 'Bob')]).toEqual([ann.id, undefined])
  expect(await store.read(claimOf('Ann'), 1, 10)).toMatchObject([{ kind: 'claimed', data: { account: ann.id } }])
  expect(await store.read(claimOf('Bob'), 1, 10)).toMatchObject([{ kind: 'freed' }])
  expect([await sweep(), await store.due('account-name', Number.MAX_SAFE_INTEGER, 10)]).toEqual([0, []])
  expect((await register(deps, 'Bob', PASSWORD)).name).toBe('Bob')
})

test.each(['the sweep', 'another who wants the name'])(
  'an account that comes so late that %s has taken its name is not made',
  async (who) => {
    const { deps, store, clock, sweep } = await swept()
    const late: Store = {
      ...store,
      async append(chain, ...args) {
        if (chain.startsWith('account/')) {
          clock.advance(NAME_CLAIM_UNDECIDED)
          if (who === 'the sweep') await sweep()
          else await register(deps, 'Ann', PASSWORD)
        }
        return store.append(chain, ...args)
      },
    }
    await expect(makeAccount({ store: late, clock }, 'Ann', async () => null)).rejects.toMatchObject({ code: 'NameTaken' })
    const holder = await nameHolder(store, 'Ann')
    expect(holder === undefined ? undefined : await findAccount(store, holder)).toEqual(
      who === 'the sweep' ? undefined : expect.objectContaining({ name: 'Ann', passwordHash: expect.any(String) }),
    )
  },
)

test('an account that is made while its claim is looked at keeps its name', async () => {
  const { deps, store, clock } = await swept()
  let made: Promise<unknown> | undefined
  const claimed = Promise.withResolvers<void>()
  const looked = Promise.withResolvers<void>()
  const late: Store = {
    ...store,
    async append(chain, ...args) {
      if (chain.startsWith('account/')) {
        claimed.resolve()
        await looked.promise
      }
      return store.append(chain, ...args)
    },
  }
  made = register({ ...deps, store: late }, 'Ann', PASSWORD)
  await claimed.promise
  clock.advance(NAME_CLAIM_UNDECIDED)
  const looking: Store = {
    ...store,
    async append(chain, ...args) {
      // The sweep has seen no account; now there is one.
      looked.resolve()
      await made
      return store.append(chain, ...args)
    },
  }
  await settleName(looking, claimOf('Ann'), clock.now())
  const holder = await nameHolder(store, 'Ann')
  expect(holder).toBe(((await made) as { readonly id: string }).id)
  expect(await findAccount(store, holder ?? '')).toMatchObject({ name: 'Ann' })
})

test('chains that fail are told once, put off for longer each time, and keep nobody from being looked at', async () => {
  const { clock, store } = await swept()
  const { log, lines } = collectLog()
  for (let k = 0; k < 60; k++) {
    await store.append(chains.session(`broken${k}`), 1, 'k', { kind: 'live', data: { account: k }, due: clock.now() - 100 })
  }
  const data = { account: 'Ann', tokenHash: 'x', expiresAt: clock.now() }
  await store.append(chains.session('good'), 1, 'k', { kind: 'live', data, due: clock.now() })
  const results: string[] = []
  const memory = {
    putOff: new PutOff(),
    failed: () => undefined,
    told: (kind: string, result: string) => void results.push(`${kind} ${result}`),
  }
  const round = async () => {
    results.length = 0
    await sweepAuth({ store, clock, log }, memory)
    return {
      failed: results.filter((each) => each === 'session Failed').length,
      done: results.filter((each) => each === 'session Done').length,
    }
  }
  expect(await round()).toEqual({ failed: 50, done: 0 })
  expect(await round()).toEqual({ failed: 10, done: 1 })
  expect(await round()).toEqual({ failed: 0, done: 0 })
  clock.advance(DUE_SWEEP_EVERY * 2)
  expect((await round()).failed + (await round()).failed).toBe(60)
  clock.advance(DUE_SWEEP_EVERY)
  expect((await round()).failed).toBe(0)
  clock.advance(DUE_SWEEP_PUT_OFF_MAX * 2)
  expect((await round()).failed).toBe(50)
  expect(lines.filter((line) => line.includes('what is due could not be done'))).toHaveLength(60)
})
