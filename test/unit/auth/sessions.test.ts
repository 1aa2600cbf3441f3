import { describe, expect, test } from 'vitest'
import { chains } from '../../../core/chains.ts'
import { BailiwickError } from '../../../core/errors.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import { SESSION_TTL } from '../../../core/timing.ts'
import { z } from '../../../core/validate/index.ts'
import type { StoredAccount } from '../../../services/auth/accounts.ts'
import { changeAccount, deleteAccount, register as makeAccount } from '../../../services/auth/accounts.ts'
import { ban } from '../../../services/auth/bans.ts'
import { eraseDeleted } from '../../../services/auth/erasure.ts'
import { MAX_SESSIONS, readRoster } from '../../../services/auth/roster.ts'
import type { SessionDeps } from '../../../services/auth/sessions.ts'
import { endSession, lastSeen, logout, openSession, revokeSession } from '../../../services/auth/sessions.ts'
import { sweepAuth } from '../../../services/auth/sweep.ts'
import { cheap, session } from './serve-app.ts'
import { PASSWORD, problem, stage } from './stage.ts'

const sessionsBody = z.object({
  sessions: z.array(z.object({ id: z.string(), agent: z.string(), current: z.boolean(), usedAt: z.string() })),
})

async function withSessions() {
  const world = await stage()
  const list = async (token: string) => sessionsBody.parse((await world.ask('GET', '/v1/sessions', undefined, token)).body).sessions
  return { ...world, list }
}

test('the sessions of an account are listed, the newest first, with what the client called itself and when it was used last', async () => {
  const { register, loggedIn, list, clock, refresh } = await withSessions()
  await register('Ann')
  const phone = await loggedIn('Ann', PASSWORD, { 'user-agent': 'phone\u00e9' })
  clock.advance(1_000)
  const desk = await loggedIn('Ann', PASSWORD, { 'user-agent': 'desk' })
  clock.advance(1_000)
  await refresh(phone.refreshToken)
  const sessions = await list(desk.accessToken)
  expect(sessions.map(({ agent, current }) => ({ agent, current }))).toEqual([
    { agent: 'desk', current: true },
    { agent: 'phone', current: false },
  ])
  expect(sessions[1]?.usedAt).toBe(new Date(clock.now()).toISOString())
})

test('one session is ended by its owner alone; the others go on', async () => {
  const { player, loggedIn, list, ask, refresh } = await withSessions()
  const [ann, bob] = [await player('Ann'), await player('Bob')]
  const other = await loggedIn('Ann')
  const id = (await list(ann.accessToken)).find((each) => !each.current)?.id ?? ''
  expect(problem(await ask('DELETE', `/v1/sessions/${id}`, undefined, bob.accessToken))).toEqual({ status: 404, code: 'SessionUnknown' })
  expect((await ask('DELETE', `/v1/sessions/${id}`, undefined, ann.accessToken)).status).toBe(204)
  expect(problem(await ask('DELETE', `/v1/sessions/${id}`, undefined, ann.accessToken))).toEqual({ status: 404, code: 'SessionUnknown' })
  expect(problem(await refresh(other.refreshToken))).toEqual({ status: 401, code: 'SessionEnded' })
  expect((await refresh(ann.refreshToken)).status).toBe(200)
})

test('logging out everywhere ends every session, and what its access token may do to the account', async () => {
  const { register, loggedIn, ask, refresh, login } = await withSessions()
  await register('Ann')
  const all = await Promise.all([loggedIn('Ann'), loggedIn('Ann'), loggedIn('Ann')])
  expect((await ask('DELETE', '/v1/sessions', undefined, all[0].accessToken)).status).toBe(204)
  for (const { refreshToken, accessToken } of all) {
    expect(problem(await ask('GET', '/v1/sessions', undefined, accessToken))).toEqual({ status: 401, code: 'SessionEnded' })
    expect(problem(await refresh(refreshToken))).toEqual({ status: 401, code: 'SessionEnded' })
  }
  expect((await login('Ann')).status).toBe(201)
})

test('an account that has as many sessions as it may have loses the one that was quiet the longest', async () => {
  const { register, loggedIn, clock, refresh, list } = await withSessions()
  await register('Ann')
  const open: Awaited<ReturnType<typeof loggedIn>>[] = []
  for (let k = 0; k < MAX_SESSIONS; k++) {
    clock.advance(1)
    open.push(await loggedIn('Ann'))
  }
  clock.advance(1)
  const first = session.parse((await refresh(open[0]?.refreshToken ?? '')).body)
  const newest = await loggedIn('Ann')
  expect(await list(newest.accessToken)).toHaveLength(MAX_SESSIONS)
  expect((await refresh(first.refreshToken)).status).toBe(200)
  expect(problem(await refresh(open[1]?.refreshToken ?? '')).code).toBe('SessionEnded')
})

test('sessions that a full roster drops because nobody can use them have ended, and say nothing of the account', async () => {
  const { register, loggedIn, clock, store } = await withSessions()
  await register('Ann')
  const open: Awaited<ReturnType<typeof loggedIn>>[] = []
  for (let k = 0; k < MAX_SESSIONS; k++) open.push(await loggedIn('Ann'))
  clock.advance(SESSION_TTL)
  await loggedIn('Ann')
  for (const { refreshToken, account } of open) {
    const records = await store.read(chains.session(refreshToken.split('.')[0] ?? ''), 1, 10)
    expect(records).toMatchObject([{ kind: 'ended', data: { reason: 'Expired' } }])
    expect(JSON.stringify(records)).not.toContain(account.id)
  }
})

test('an account that is deleted and erased while somebody logs in gets no session, and nothing of it stays', async () => {
  const { store, clock } = await stage()
  const account = await makeAccount({ store, clock, passwords: cheap }, 'Ann', PASSWORD)
  let session = ''
  const slow: Store = {
    ...store,
    async append(chain, ...args) {
      if (chain.startsWith('session/')) {
        if (session === '') {
          await deleteAccount({ store, clock }, account.id)
          await eraseDeleted({ store, clock }, (_, error) => {
            throw error
          })
        }
        session = chain
      }
      return store.append(chain, ...args)
    },
  }
  await expect(openSession({ store: slow, clock }, account, 'phone')).rejects.toMatchObject({ code: 'WrongCredentials' })
  expect(await store.read(session, 1, 10)).toMatchObject([{ kind: 'ended', data: { reason: 'AccountDeleted' } }])
  expect(await store.read(chains.sessionsOf(account.id), 1, 10)).toMatchObject([{ kind: 'erased', data: {} }])
})

test.each(['GoesOn', 'Ends'] as const)('nor does anything stay of one whose login was asked for twice at once: %s', async (repeated) => {
  const { store, clock } = await stage()
  const deps = { store, clock }
  const account = await makeAccount({ ...deps, passwords: cheap }, 'Ann', PASSWORD)
  const given = { id: 'A'.repeat(22), repeated }
  let isFirst = true
  const slow: Store = {
    ...store,
    async append(chain, ...args) {
      if (chain === chains.sessionsOf(account.id) && isFirst) {
        isFirst = false
        await openSession(deps, account, 'phone', given)
        await deleteAccount(deps, account.id)
        await eraseDeleted(deps, (_, error) => {
          throw error
        })
      }
      return store.append(chain, ...args)
    },
  }
  await expect(openSession({ store: slow, clock }, account, 'phone', given)).rejects.toMatchObject({ code: 'WrongCredentials' })
  expect(await store.head(chains.session(given.id))).toMatchObject({ kind: 'ended', data: { reason: 'AccountDeleted' } })
  expect(await store.read(chains.sessionsOf(account.id), 1, 10)).toMatchObject([{ kind: 'erased', data: {} }])
})

test('a session ends also when its roster can not be told, and keeps when it was used', async () => {
  const { store, clock } = await stage()
  const deps = { store, clock }
  const account = await makeAccount({ ...deps, passwords: cheap }, 'Ann', PASSWORD)
  const { session: id } = await openSession(deps, account, '')
  const usedAt = clock.now()
  const unavailable = new BailiwickError('StoreUnavailable', { asked: 'the roster' })
  const lame: Store = {
    ...store,
    head: (chain) => (chain === chains.sessionsOf(account.id) ? Promise.reject(unavailable) : store.head(chain)),
  }
  // One that nobody can use any more can wait for it.
  await expect(endSession({ store: lame, clock }, id, 'Expired')).rejects.toBe(unavailable)
  expect(await store.head(chains.session(id))).toMatchObject({ kind: 'live' })
  await expect(logout({ store: lame, clock }, account.id, id)).rejects.toBe(unavailable)
  expect(await store.head(chains.session(id))).toMatchObject({ kind: 'ended', data: { reason: 'Logout', usedAt } })
  await logout(deps, account.id, id)
  expect(await readRoster(store, account.id)).toMatchObject({ sessions: [] })
})

describe('when an account was seen last is known of a session that is gone:', () => {
  type World = Awaited<ReturnType<typeof stage>>
  const idOf = (refreshToken: string) => refreshToken.split('.')[0] ?? ''
  test.each<[string, (world: World, deps: SessionDeps, account: StoredAccount, refreshToken: string) => Promise<unknown>]>([
    ['ended by logging out', (_, deps, { id }, token) => logout(deps, id, idOf(token))],
    ['ended by its owner from another one', (_, deps, account, token) => revokeSession(deps, account, idOf(token))],
    ['ended, by who died then', (_, deps, __, token) => endSession(deps, idOf(token), 'Logout')],
    [
      'of an epoch that is over',
      (_, { store }, { id }) => changeAccount(store, id, (data) => ({ ...data, sessionEpoch: data.sessionEpoch + 1 })),
    ],
    [
      'swept when nobody could use it any more',
      async ({ clock, store }, deps, { id }) => {
        clock.advance(SESSION_TTL)
        await sweepAuth({ ...deps, store, log: silentLog })
        expect((await readRoster(store, id))?.sessions).toEqual([])
      },
    ],
  ])('%s', async (_, ends) => {
    const world = await stage()
    const { store, clock, refresh } = world
    const deps = { store, clock }
    const account = await makeAccount({ ...deps, passwords: cheap }, 'Ann', PASSWORD)
    const { refreshToken } = await openSession(deps, account, '')
    clock.advance(SESSION_TTL / 2)
    const { body } = await refresh(refreshToken)
    const seenAt = clock.now()
    await ends(world, deps, account, String(body['refreshToken']))
    expect(await lastSeen(deps, account.id)).toBe(seenAt)
    expect(problem(await refresh(String(body['refreshToken']))).code).toBe('SessionEnded')
  })
})

describe('a login that is under way', () => {
  type World = Awaited<ReturnType<typeof stage>>
  test.each<[string, string, (world: World, account: StoredAccount) => Promise<unknown>]>([
    ['while its account is banned', 'SessionEnded', (world, { id }) => ban(world, id, { until: null, reason: 'x', by: 'y', at: 0 })],
    [
      'while the password is changed',
      'SessionEnded',
      ({ store }, { id }) => changeAccount(store, id, (data) => ({ ...data, sessionEpoch: data.sessionEpoch + 1 })),
    ],
  ])('%s opens a session that is good for nothing', async (_, code, meanwhile) => {
    const world = await stage()
    const { store, clock, refresh, signer, ask } = world
    const account = await makeAccount({ store, clock, passwords: cheap }, 'Ann', PASSWORD)
    const slow: Store = {
      ...store,
      async append(chain, ...args) {
        if (chain.startsWith('session/')) await meanwhile(world, account)
        return store.append(chain, ...args)
      },
    }
    const { session: id, refreshToken } = await openSession({ store: slow, clock }, account, 'phone')
    expect(problem(await refresh(refreshToken))).toEqual({ status: 401, code })
    const { accessToken } = await signer.sign({ account: account.id, name: 'Ann', session: id, roles: ['player'] })
    expect(problem(await ask('GET', '/v1/accounts/current', undefined, accessToken))).toEqual({ status: 401, code })
  })
})

test('who found an open page guesses the password no more often than at the door, whatever it asks for', async () => {
  const { player, ask, login } = await stage()
  const { accessToken } = await player('Ann')
  const password = 'a wrong pass word'
  const asks = [
    ['/v1/accounts/current/password', { password, newPassword: 'a new pass word' }],
    ['/v1/accounts/current/deletion', { password }],
    [`/v1/accounts/current/identities/${'A'.repeat(43)}/removal`, { password }],
  ] as const
  const guess = async (k: number) => {
    const [path, body] = asks[k % asks.length] ?? asks[0]
    return problem(await ask('POST', path, body, accessToken)).code
  }
  for (let k = 0; k < 10; k++) expect(await guess(k)).toBe('WrongCredentials')
  for (let k = 0; k < asks.length; k++) expect(await guess(k)).toBe('TooManyRequests')
  expect(problem(await login('Ann')).code).toBe('TooManyRequests')
})

test('a login never takes over a session that the client brings: its id is always new', async () => {
  const { register, loggedIn, verifier } = await stage()
  await register('Ann')
  const before = await loggedIn('Ann')
  const after = await loggedIn('Ann', PASSWORD, {
    cookie: `__Host-bailiwick-refresh=${before.refreshToken}`,
    authorization: `Bearer ${before.accessToken}`,
  })
  const [one, two] = [await verifier.verify(before.accessToken), await verifier.verify(after.accessToken)]
  expect(two.account).toBe(one.account)
  expect(two.session).not.toBe(one.session)
})

test('changing the password asks for the old one, ends all sessions and opens a new one', async () => {
  const { player, loggedIn, ask, refresh, login } = await stage()
  const ann = await player('Ann')
  const other = await loggedIn('Ann')
  const change = (password: string, newPassword: string) =>
    ask('POST', '/v1/accounts/current/password', { password, newPassword }, ann.accessToken)
  expect(problem(await change('not this one', 'a new pass word'))).toEqual({ status: 401, code: 'WrongCredentials' })
  expect(problem(await change(PASSWORD, 'short'))).toEqual({ status: 400, code: 'InvalidInput' })
  expect(problem(await change(PASSWORD, 'password123'))).toEqual({ status: 422, code: 'PasswordCommon' })
  const changed = session.parse((await change(PASSWORD, 'a new pass word')).body)
  for (const old of [ann, other]) expect(problem(await refresh(old.refreshToken)).code).toBe('SessionEnded')
  expect((await refresh(changed.refreshToken)).status).toBe(200)
  expect(problem(await login('Ann')).code).toBe('WrongCredentials')
  expect((await login('Ann', 'a new pass word')).status).toBe(201)
})

test('of two changes of the password at once, with the same old one, one is too late', async () => {
  const { player, ask, store } = await stage()
  const { accessToken, account } = await player('Ann')
  const change = (newPassword: string) => ask('POST', '/v1/accounts/current/password', { password: PASSWORD, newPassword }, accessToken)
  const answers = await Promise.all([change('a new pass word'), change('another pass word')])
  expect(answers.map((answer) => answer.status).toSorted()).toEqual([200, 401])
  // The hash before is not kept.
  expect(await store.read(chains.account(account.id), 1, 10)).toHaveLength(1)
})
