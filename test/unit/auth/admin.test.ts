import { describe, expect, test } from 'vitest'
import { chains } from '../../../core/chains.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { ACCOUNT_BAR_KEPT } from '../../../core/timing.ts'
import { deleteAccount, findAccount } from '../../../services/auth/accounts.ts'
import { noteDeed, readDeeds } from '../../../services/auth/audit.ts'
import { eraseKept } from '../../../services/auth/erasure.ts'
import { grantRole, makeOwner } from '../../../services/auth/staff.ts'
import { DAY } from '../../../services/auth/standing.ts'
import { sweepAuth } from '../../../services/auth/sweep.ts'
import { session } from './serve-app.ts'
import { PASSWORD, problem, stage } from './stage.ts'

/** An owner, an admin, a moderator and a player. */
async function court() {
  const world = await stage()
  const [owner, admin, moderator, player] = [
    await world.player('Olga'),
    await world.player('Adam'),
    await world.player('Moda'),
    await world.player('Paul'),
  ]
  await makeOwner(world.store, owner.account.id, world.clock.now())
  await grantRole(world.store, admin.account.id, 'admin', world.clock.now())
  await grantRole(world.store, moderator.account.id, 'moderator', world.clock.now())
  type Who = typeof owner
  const get = (who: Who, path: string) => world.ask('GET', `/v1/admin/${path}`, undefined, who.accessToken)
  const ban = (who: Who, whom: Who, body: object = { reason: 'shouting' }) =>
    world.ask('PUT', `/v1/admin/accounts/${whom.account.id}/ban`, body, who.accessToken)
  const unban = (who: Who, whom: Who) => world.ask('DELETE', `/v1/admin/accounts/${whom.account.id}/ban`, undefined, who.accessToken)
  const grant = (who: Who, whom: Who, role: string) =>
    world.ask('PUT', `/v1/admin/accounts/${whom.account.id}/role`, { role }, who.accessToken)
  const barred = async () => ((await world.index.accountBars(undefined)).bars ?? []).map(({ account }) => account)
  return { ...world, owner, admin, moderator, player, get, ban, unban, grant, barred }
}

const forbidden = { status: 403, code: 'Forbidden' }

test('players may nothing, and are not told who there is', async () => {
  const { player, moderator, get, ban, grant } = await court()
  for (const path of ['accounts?name=Moda', 'accounts?name=nobody', `accounts/${moderator.account.id}`, 'staff', 'audit']) {
    expect(problem(await get(player, path))).toEqual(forbidden)
  }
  expect(problem(await ban(player, moderator))).toEqual(forbidden)
  expect(problem(await grant(player, player, 'admin'))).toEqual(forbidden)
  expect(problem(await get(moderator, 'audit'))).toEqual(forbidden)
})

test('an account is found by its name in any writing, or by its id', async () => {
  const { moderator, player, get } = await court()
  const expected = {
    account: { id: player.account.id, name: 'Paul', role: 'player', createdAt: expect.any(String), seenAt: expect.any(String) },
  }
  expect((await get(moderator, 'accounts?name=PAUL')).body).toEqual(expected)
  expect((await get(moderator, `accounts/${player.account.id}`)).body).toEqual(expected)
  expect(problem(await get(moderator, 'accounts?name=nobody'))).toEqual({ status: 404, code: 'AccountUnknown' })
})

describe('a ban', () => {
  test('ends the sessions, closes the door, and is put where hosts see it; lifted, all is as before', async () => {
    const { moderator, player, ban, unban, barred, refresh, login, ask } = await court()
    expect((await ban(moderator, player)).body).toMatchObject({ account: { ban: { reason: 'shouting', by: moderator.account.id } } })
    expect(await barred()).toEqual([player.account.id])
    expect(problem(await refresh(player.refreshToken)).code).toBe('SessionEnded')
    expect(problem(await ask('GET', '/v1/sessions', undefined, player.accessToken)).code).toBe('SessionEnded')
    const refused = await login('Paul')
    expect(problem(refused)).toEqual({ status: 403, code: 'Banned' })
    expect(refused.body['detail']).toContain('shouting')
    // Who does not know the password is not told.
    expect(problem(await login('Paul', 'not this one')).code).toBe('WrongCredentials')
    expect((await unban(moderator, player)).status).toBe(200)
    expect(await barred()).toEqual([])
    expect((await login('Paul')).status).toBe(201)
  })

  test('with an end ends by itself, in the store and in the index', async () => {
    const { moderator, player, ban, barred, login, clock } = await court()
    const until = new Date(clock.now() + 60_000).toISOString()
    expect((await ban(moderator, player, { reason: 'a minute off', until })).status).toBe(200)
    expect(problem(await login('Paul')).code).toBe('Banned')
    clock.advance(60_000)
    expect((await login('Paul')).status).toBe(201)
    expect(await barred()).toEqual([])
    expect(problem(await ban(moderator, player, { reason: 'too late', until })).code).toBe('InvalidInput')
  })

  test('stands when the index is away, and the asker is told that hosts were not', async () => {
    const { moderator, player, ban, login, index } = await court()
    await index.close()
    expect(problem(await ban(moderator, player))).toEqual({ status: 503, code: 'IndexUnavailable' })
    expect(problem(await login('Paul')).code).toBe('Banned')
  })

  test('of an equal, a better or oneself is refused', async () => {
    const { owner, admin, moderator, ban } = await court()
    for (const [who, whom] of [
      [moderator, moderator],
      [moderator, admin],
      [admin, admin],
      [admin, owner],
      [owner, owner],
    ] as const)
      expect(problem(await ban(who, whom))).toEqual(forbidden)
    expect((await ban(owner, admin)).status).toBe(200)
  })
})

test('roles: what was granted stands in the next token, and counts at once where it is asked for', async () => {
  const { owner, admin, player, moderator, grant, get, refresh, verifier } = await court()
  expect(problem(await grant(admin, player, 'admin'))).toEqual(forbidden)
  expect((await grant(admin, player, 'moderator')).body).toMatchObject({ account: { role: 'moderator' } })
  expect((await get(player, 'staff')).status).toBe(200)
  expect((await verifier.verify(player.accessToken)).roles).toEqual(['player'])
  const renewed = await refresh(player.refreshToken)
  expect((await verifier.verify(String(renewed.body['accessToken']))).roles).toEqual(['player', 'moderator'])
  expect((await grant(owner, moderator, 'admin')).status).toBe(200)
  expect((await grant(owner, admin, 'player')).status).toBe(200)
  expect(problem(await get(admin, 'staff'))).toEqual(forbidden)
  expect(problem(await grant(owner, owner, 'player'))).toEqual(forbidden)
})

describe('the stand-in', () => {
  test('may what an admin may while the owner is away, and no more once the owner is back, or one who stands longer', async () => {
    const { owner, admin, moderator, player, clock, store, grant, login, loggedIn, get } = await court()
    clock.advance(DAY)
    expect((await grant(await loggedIn('Olga'), player, 'moderator')).status).toBe(200)
    await grantRole(store, admin.account.id, undefined, clock.now())
    clock.advance(30 * DAY - 1_000)
    const paul = await loggedIn('Paul')
    expect(problem(await get(paul, 'audit'))).toEqual(forbidden)
    clock.advance(1_000)
    expect((await get(paul, 'audit')).status).toBe(200)
    expect((await get(paul, 'staff')).body['members']).toMatchObject([
      { account: owner.account.id, standIn: false },
      { account: moderator.account.id, standIn: false },
      { account: player.account.id, standIn: true },
    ])
    const moda = await loggedIn('Moda')
    expect(problem(await get(paul, 'audit'))).toEqual(forbidden)
    expect((await get(moda, 'audit')).status).toBe(200)
    // Acting as one makes nobody an admin, and is no sign of life of the owner.
    expect(await store.head(chains.staff)).toMatchObject({
      data: { members: [{ role: 'owner' }, { role: 'moderator' }, { role: 'moderator' }] },
    })
    expect((await login('Olga')).status).toBe(201)
    expect(problem(await get(moda, 'audit'))).toEqual(forbidden)
  })
})

test('an owner counts as seen when made one, and an admin who was the owner is nobody special', async () => {
  const { owner, admin, moderator, clock, store, loggedIn, get } = await court()
  clock.advance(200 * DAY)
  await makeOwner(store, admin.account.id, clock.now())
  // Once more is not a new beginning.
  clock.advance(10 * DAY)
  await makeOwner(store, admin.account.id, clock.now())
  clock.advance(20 * DAY - 1)
  const mayStandIn = async () => (await get(await loggedIn('Moda'), 'audit')).status === 200
  expect(await mayStandIn()).toBe(false)
  clock.advance(1)
  expect(await mayStandIn()).toBe(true)
  const { data } = (await store.head(chains.staff)) ?? {}
  expect(data?.['members']).toMatchObject([
    { account: owner.account.id, role: 'admin' },
    { account: moderator.account.id, role: 'moderator' },
    { account: admin.account.id, role: 'owner', ownerSince: expect.any(Number) },
  ])
  expect(JSON.stringify(data).match(/ownerSince/g)).toHaveLength(1)
})

test('an account that is erased while it is made a moderator is none', async () => {
  const { admin, player, grant, store, clock, get } = await court()
  const { append } = store
  store.append = async (chain, ...rest) => {
    if (chain !== chains.staff) return append(chain, ...rest)
    Object.assign(store, { append })
    await deleteAccount({ store, clock }, player.account.id)
    await eraseKept({ store, clock }, player.account.id)
    return append(chain, ...rest)
  }
  expect(problem(await grant(admin, player, 'moderator'))).toEqual({ status: 404, code: 'AccountUnknown' })
  expect(JSON.stringify(await store.head(chains.staff))).not.toContain(player.account.id)
  expect((await get(admin, 'staff')).status).toBe(200)
})

test('whoever is banned stands in for nobody, and keeps nobody else from it', async () => {
  const { admin, moderator, player, clock, store, grant, ban, owner, loggedIn, get } = await court()
  clock.advance(1)
  expect((await grant(owner, player, 'moderator')).status).toBe(200)
  await grantRole(store, admin.account.id, undefined, clock.now())
  clock.advance(25 * DAY)
  const admins = await loggedIn('Adam')
  await grantRole(store, admin.account.id, 'admin', clock.now())
  expect((await loggedIn('Moda')).account.id).toBe(moderator.account.id)
  expect((await ban(admins, moderator)).status).toBe(200)
  clock.advance(5 * DAY)
  expect((await get(await loggedIn('Paul'), 'audit')).status).toBe(200)
})

describe('a ban and its lifting at once', () => {
  /** What the second one does while the index is told of the first. */
  async function amid(first: 'ban' | 'unban', meanwhile: (world: Awaited<ReturnType<typeof court>>) => Promise<unknown>) {
    const world = await court()
    const { moderator, player, index, ban, unban, store } = world
    if (first === 'unban') await ban(moderator, player)
    const name = first === 'ban' ? 'barAccount' : 'unbarAccount'
    const tell = index[name].bind(index)
    index[name] = async (account: string, forMs?: number) => {
      Object.assign(index, { [name]: tell })
      await meanwhile(world)
      await tell(account, forMs ?? 0)
    }
    expect((await (first === 'ban' ? ban(moderator, player) : unban(moderator, player))).status).toBe(200)
    return { barred: await world.barred(), stored: await findAccount(store, player.account.id) }
  }
  test('leave the player barred when the ban is stored last', async () => {
    const { barred, stored } = await amid('unban', ({ admin, player, ban }) => ban(admin, player))
    expect([barred, stored?.ban?.reason]).toEqual([[stored?.id], 'shouting'])
  })
  test('leave the player free when the lifting is', async () => {
    const { barred, stored } = await amid('ban', ({ admin, player, unban }) => unban(admin, player))
    expect([barred, stored?.ban]).toEqual([[], undefined])
  })
  test('leave one barred who deletes the account meanwhile', async () => {
    const { barred, stored } = await amid('unban', async ({ player, store, clock, index }) => {
      await deleteAccount({ store, clock }, player.account.id)
      await index.barAccount(player.account.id, ACCOUNT_BAR_KEPT)
    })
    expect([barred.length, stored]).toEqual([1, undefined])
  })
})

describe('an owner who was seen a moment ago is not absent', () => {
  type Court = Awaited<ReturnType<typeof court>>
  type Session = Court['owner']
  test.each<[string, (world: Court, now: Session, before: Session) => Promise<unknown>]>([
    ['and logs out', ({ ask }, { accessToken }) => ask('DELETE', '/v1/sessions/current', undefined, accessToken)],
    ['and logs out everywhere', ({ ask }, { accessToken }) => ask('DELETE', '/v1/sessions', undefined, accessToken)],
    ['and whose session is ended because a thief shows an old token of it', ({ refresh }, _, { refreshToken }) => refresh(refreshToken)],
  ])('%s', async (_, ends) => {
    const world = await court()
    const { clock, refresh, loggedIn, get, store } = world
    let [before, now] = [world.owner, world.owner]
    for (let day = 0; day < 40; day += 5) {
      clock.advance(5 * DAY)
      ;[before, now] = [now, session.parse((await refresh(now.refreshToken)).body)]
    }
    await ends(world, now, before)
    for (let day = 0; day < 4; day++) {
      clock.advance(DAY)
      await sweepAuth({ store, clock, log: silentLog })
    }
    const moda = await loggedIn('Moda')
    expect(problem(await get(moda, 'audit'))).toEqual(forbidden)
    clock.advance(26 * DAY)
    expect((await get(await loggedIn('Moda'), 'audit')).status).toBe(200)
  })
})

describe('the audit trail', () => {
  test('tells each deed, the newest first, page after page, and what somebody did as', async () => {
    const { admin, moderator, player, ban, unban, grant, get } = await court()
    await ban(moderator, player, { reason: 'one' })
    await unban(moderator, player)
    await grant(admin, player, 'moderator')
    expect((await get(admin, 'audit?limit=2')).body).toEqual({
      deeds: [
        {
          n: 3,
          at: expect.any(String),
          by: admin.account.id,
          power: 'admin',
          action: 'Grant',
          account: player.account.id,
          detail: 'moderator',
          whole: true,
        },
        {
          n: 2,
          at: expect.any(String),
          by: moderator.account.id,
          power: 'moderator',
          action: 'Unban',
          account: player.account.id,
          detail: '',
          whole: true,
        },
      ],
      next: 2,
    })
    const last = (await get(admin, 'audit?limit=2&before=2')).body
    expect(last['deeds']).toMatchObject([{ n: 1, action: 'Ban', detail: 'for good: one', whole: true }])
    expect(last).not.toHaveProperty('next')
  })

  test('is written before the deed: what can not be written down is not done', async () => {
    const { moderator, player, ban, store, login } = await court()
    const { append } = store
    store.append = (chain, ...rest) => (chain === chains.audit ? Promise.reject(new Error('away')) : append(chain, ...rest))
    expect((await ban(moderator, player)).status).toBe(500)
    expect((await login('Paul', PASSWORD)).status).toBe(201)
  })

  test('is never pruned, however many deeds there are, nor when an account that they were done to is erased', async () => {
    const { owner, admin, player, store, clock, get } = await court()
    const about = { by: admin.account.id, power: 'admin', action: 'Unban', account: player.account.id, detail: '' } as const
    for (let at = 1; at <= 30; at++) await noteDeed(store, { ...about, at })
    await deleteAccount({ store, clock }, player.account.id)
    for (const id of [player.account.id, admin.account.id]) await eraseKept({ store, clock }, id)
    const deeds = await readDeeds(store, undefined, 100)
    expect(deeds.map(({ at, whole }) => [at, whole])).toEqual(Array.from({ length: 30 }, (_, k) => [30 - k, true]))
    expect((await get(owner, 'audit?limit=1')).body['deeds']).toMatchObject([{ n: 30, account: player.account.id }])
  })

  test('shows where somebody had a hand in the store', async () => {
    const { admin, moderator, player, ban, get, store } = await court()
    await ban(moderator, player)
    await ban(moderator, player)
    const { read } = store
    store.read = async (...args) => {
      const entries = await read(...args)
      return entries.map((entry) =>
        entry.n === 1 && entry.kind === 'deed' ? { ...entry, data: { ...entry.data, account: 'another' } } : entry,
      )
    }
    expect((await get(admin, 'audit')).body['deeds']).toMatchObject([
      { n: 2, whole: false },
      { n: 1, whole: true },
    ])
  })
})
