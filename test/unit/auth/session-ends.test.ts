import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { chains } from '../../../core/chains.ts'
import { SESSION_FORGOTTEN_AFTER, SESSION_LONGEST, SESSION_TTL } from '../../../core/timing.ts'
import { register } from '../../../services/auth/accounts.ts'
import { lastSeen, logout, openSession } from '../../../services/auth/sessions.ts'
import { sweepAuth } from '../../../services/auth/sweep.ts'
import { mortal } from './mortal.ts'
import { cheap, collectLog, session } from './serve-app.ts'
import { PASSWORD, problem, stage } from './stage.ts'

test('who knows the id of a session, from a log or an access token, can not have it ended by a token that never was one', async () => {
  const { player, refresh } = await stage()
  const { refreshToken } = await player('Ann')
  const [id] = refreshToken.split('.')
  for (let tries = 0; tries < 3; tries++) {
    const made = `${id}.${randomBytes(32).toString('base64url')}`
    expect(problem(await refresh(made))).toEqual({ status: 401, code: 'SessionEnded' })
  }
  const next = session.parse((await refresh(refreshToken)).body)
  // One that was a token is told from that, however long ago.
  for (let k = 0, { refreshToken: token } = next; k < 3; k++) token = session.parse((await refresh(token)).body).refreshToken
  expect(problem(await refresh(refreshToken))).toEqual({ status: 401, code: 'RefreshReused' })
})

test('tokens of one session are unlike one another in half of their bits, and those of two in all', async () => {
  const { player, refresh, loggedIn } = await stage()
  const first = await player('Ann')
  const second = session.parse((await refresh(first.refreshToken)).body)
  const other = await loggedIn('Ann')
  const halves = [first, second, other].map(({ refreshToken }) => {
    const secret = Buffer.from(refreshToken.split('.')[1] ?? '', 'base64url')
    return [secret.subarray(0, 16).toString('hex'), secret.subarray(16).toString('hex')]
  })
  expect(halves[0]?.[0]).toBe(halves[1]?.[0])
  expect(new Set(halves.flat()).size).toBe(5)
})

test('a session that an earlier release opened goes on, and still ends when an old token of it is shown', async () => {
  const { player, refresh, store } = await stage()
  const { refreshToken } = await player('Ann')
  const chain = chains.session(refreshToken.split('.')[0] ?? '')
  const head = await store.head(chain)
  const { family: _, ...data } = head?.data ?? {}
  await store.append(chain, (head?.n ?? 0) + 1, 'k', { kind: 'live', data, due: head?.due ?? 0 })
  const next = session.parse((await refresh(refreshToken)).body)
  expect((await refresh(next.refreshToken)).status).toBe(200)
  expect(problem(await refresh(refreshToken)).code).toBe('RefreshReused')
})

test('a session ends SESSION_LONGEST after it was opened, however often it is renewed', async () => {
  const { player, refresh, clock, ask, login, store } = await stage()
  let { refreshToken, accessToken } = await player('Ann')
  const step = SESSION_TTL / 2
  for (let at = step; at < SESSION_LONGEST; at += step) {
    clock.advance(step)
    ;({ refreshToken, accessToken } = session.parse((await refresh(refreshToken)).body))
  }
  clock.advance(step - 1)
  ;({ refreshToken, accessToken } = session.parse((await refresh(refreshToken)).body))
  expect((await ask('GET', '/v1/accounts/current', undefined, accessToken)).status).toBe(200)
  clock.advance(1)
  expect(problem(await refresh(refreshToken))).toEqual({ status: 401, code: 'SessionEnded' })
  // The access token of a moment ago opens nothing of the account either.
  expect(problem(await ask('GET', '/v1/accounts/current', undefined, accessToken))).toEqual({ status: 401, code: 'SessionEnded' })
  expect((await login('Ann')).status).toBe(201)
  await sweepAuth({ store, clock, log: collectLog().log })
  expect(await store.head(chains.session(refreshToken.split('.')[0] ?? ''))).toMatchObject({ kind: 'ended', data: { reason: 'Expired' } })
})

test('whatever a logout dies before: when the account was used last is known for good', async () => {
  for (let write = 1, died = true; died; write++) {
    const { store, clock, refresh } = await stage()
    const deps = { store, clock }
    const account = await register({ ...deps, passwords: cheap }, 'Ann', PASSWORD)
    const { session: id, refreshToken } = await openSession(deps, account, '')
    clock.advance(SESSION_TTL / 2)
    await refresh(refreshToken)
    const seenAt = clock.now()
    clock.advance(1_000)
    died = await logout({ ...deps, store: mortal(store, write) }, account.id, id).then(
      () => false,
      () => true,
    )
    for (let days = 0; days < 3; days++) {
      clock.advance(SESSION_FORGOTTEN_AFTER)
      await sweepAuth({ ...deps, log: collectLog().log })
      expect([write, await lastSeen(deps, account.id)]).toEqual([write, seenAt])
    }
    if (write > 2) expect(await store.head(chains.session(id))).toBeUndefined()
    expect(write).toBeLessThan(10)
  }
})
