import { describe, expect, test } from 'vitest'
import type { Store } from '../../../core/ports/store-port.ts'
import { REFRESH_GRACE } from '../../../core/timing.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { makeAccount } from '../../../services/auth/accounts.ts'
import { createAuthApp } from '../../../services/auth/app.ts'
import { openSession } from '../../../services/auth/sessions.ts'
import { cheap, collectLog, serveApp, session } from './serve-app.ts'
import { PASSWORD, problem, stage } from './stage.ts'

/** What is asked again because the answer did not come. */
const key = { 'idempotency-key': 'a key of 1' }
const other = { 'idempotency-key': 'a-key-of-2' }
const keyed = { 'idempotency-key': 'a-key-of-1' }

async function world() {
  const made = await stage()
  const post = (path: string, body: unknown, headers: Readonly<Record<string, string>>, token?: string) =>
    made.ask('POST', path, body, token, headers)
  const count = async (token: string) => ((await made.ask('GET', '/v1/sessions', undefined, token)).body['sessions'] as unknown[]).length
  return { ...made, post, count }
}

const wasRepeated = (answer: { readonly headers: Headers }): boolean => answer.headers.get('idempotency-replayed') === 'true'

describe('a registration', () => {
  const body = { name: 'Ann', password: PASSWORD }

  test('that is repeated with its key is answered the same, with another it is taken', async () => {
    const { post, login } = await world()
    const first = await post('/v1/accounts', body, keyed)
    const again = await post('/v1/accounts', body, keyed)
    expect([first.status, again.status, wasRepeated(first), wasRepeated(again)]).toEqual([201, 201, false, true])
    expect(again.body).toEqual(first.body)
    expect(problem(await post('/v1/accounts', body, other)).code).toBe('NameTaken')
    expect(problem(await post('/v1/accounts', body, {})).code).toBe('NameTaken')
    expect((await login('Ann')).status).toBe(201)
  })

  test('with the key of another, and another password, is told nothing for nothing: each try counts', async () => {
    const { post } = await world()
    await post('/v1/accounts', body, keyed)
    const guess = () => post('/v1/accounts', { name: 'Ann', password: 'a wrong pass word' }, keyed)
    for (let k = 0; k < 10; k++) expect(problem(await guess()).code).toBe('WrongCredentials')
    expect(problem(await guess()).code).toBe('TooManyRequests')
  })

  test('of many with one key at once one account comes', async () => {
    const { post, login } = await world()
    const answers = await Promise.all(Array.from({ length: 8 }, () => post('/v1/accounts', body, keyed)))
    const ids = new Set(answers.filter(({ status }) => status === 201).map((answer) => JSON.stringify(answer.body)))
    expect(ids.size).toBe(1)
    for (const answer of answers) if (answer.status !== 201) expect(problem(answer).code).toBe('RequestUnderWay')
    expect((await login('Ann')).status).toBe(201)
    expect((await post('/v1/accounts', body, keyed)).status).toBe(201)
  })

  test('whose account was deleted since makes no other with its key, and leaves the name free', async () => {
    const { post, loggedIn, register } = await world()
    await post('/v1/accounts', body, keyed)
    const { accessToken } = await loggedIn('Ann')
    expect((await post('/v1/accounts/current/deletion', { password: PASSWORD }, {}, accessToken)).status).toBe(204)
    expect(problem(await post('/v1/accounts', body, keyed)).code).toBe('IdempotencyKeyReused')
    expect((await register('Ann')).status).toBe(201)
  })

  test('that died between its two inserts is done by its repetition', async () => {
    const { store, clock, index, signer } = await world()
    const { log } = collectLog()
    let dies = true
    const dying: Store = {
      ...store,
      async append(chain, ...args) {
        if (chain.startsWith('account/') && dies) {
          dies = false
          throw new Error('dead')
        }
        return store.append(chain, ...args)
      },
    }
    const metrics = createMetrics('auth')
    const served = await serveApp(createAuthApp({ store: dying, index, signer, log, metrics, clock, passwords: cheap }))
    expect((await served.ask('POST', '/v1/accounts', body, undefined, keyed)).status).toBe(500)
    expect((await served.ask('POST', '/v1/accounts', body, undefined, keyed)).status).toBe(201)
    await served.close()
  })
})

describe('a login', () => {
  const body = { name: 'Ann', password: PASSWORD }

  test('that is repeated with its key opens no second session; the tokens of both answers are good, until one is used', async () => {
    const { register, post, count, refresh } = await world()
    await register('Ann')
    const lost = session.parse((await post('/v1/sessions', body, keyed)).body)
    const answer = await post('/v1/sessions', body, keyed)
    const again = session.parse(answer.body)
    expect([answer.status, wasRepeated(answer)]).toEqual([201, true])
    expect(again.refreshToken).not.toBe(lost.refreshToken)
    expect(await count(again.accessToken)).toBe(1)
    expect((await refresh(lost.refreshToken)).status).toBe(200)
    expect(problem(await refresh(again.refreshToken)).code).toBe('RefreshReused')
  })

  test('with another key, or of another account with the same, is another session', async () => {
    const { register, post, count } = await world()
    await Promise.all([register('Ann'), register('Bob')])
    await post('/v1/sessions', body, keyed)
    const second = session.parse((await post('/v1/sessions', body, other)).body)
    const bob = session.parse((await post('/v1/sessions', { ...body, name: 'Bob' }, keyed)).body)
    expect([await count(second.accessToken), await count(bob.accessToken)]).toEqual([2, 1])
  })

  test('with the key of a session that has ended opens none', async () => {
    const { register, post, ask } = await world()
    await register('Ann')
    const { accessToken } = session.parse((await post('/v1/sessions', body, keyed)).body)
    await ask('DELETE', '/v1/sessions', undefined, accessToken)
    expect(problem(await post('/v1/sessions', body, keyed))).toEqual({ status: 422, code: 'IdempotencyKeyReused' })
    expect(problem(await post('/v1/sessions', { ...body, password: 'wrong' }, keyed)).code).toBe('WrongCredentials')
  })

  test('of many with one key at once one session comes', async () => {
    const { register, post, count } = await world()
    await register('Ann')
    const answers = await Promise.all(Array.from({ length: 3 }, () => post('/v1/sessions', body, keyed)))
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201])
    expect(await count(session.parse(answers[0]?.body).accessToken)).toBe(1)
  })
})

describe('a login elsewhere, whose proof is good once', () => {
  const opened = { id: 'A'.repeat(22), repeated: 'Ends' } as const

  test('goes on for whoever knows the key of the request that opened it, until a token of it is used', async () => {
    const { store, clock, refresh } = await world()
    const account = await makeAccount({ store, clock }, 'Ann', async () => null)
    const open = (key?: string) => openSession({ store, clock }, account, '', { ...opened, key })
    await open('k')
    const again = await open('k')
    expect(again.again).toBe(true)
    expect((await refresh(again.refreshToken)).status).toBe(200)
    await expect(open('k')).rejects.toMatchObject({ code: 'SessionEnded' })
  })

  test.each([undefined, 'x'])('ends when it comes twice with another key, or none: %s', async (key) => {
    const { store, clock, refresh } = await world()
    const account = await makeAccount({ store, clock }, 'Ann', async () => null)
    const first = await openSession({ store, clock }, account, '', { ...opened, key: 'k' })
    await expect(openSession({ store, clock }, account, '', { ...opened, key })).rejects.toMatchObject({ code: 'SessionEnded' })
    expect(problem(await refresh(first.refreshToken)).code).toBe('SessionEnded')
  })
})

describe('a renewal', () => {
  test('that is repeated with its key gets tokens again; without it, or with another, it is a thief’s', async () => {
    const { player, post, refresh } = await world()
    for (const [name, headers, code] of [
      ['Ann', keyed, undefined],
      ['Bob', other, 'RefreshReused'],
      ['Eve', {}, 'RefreshReused'],
    ] as const) {
      const { refreshToken } = await player(name)
      const lost = await post('/v1/sessions/refresh', { refreshToken }, keyed)
      const again = await post('/v1/sessions/refresh', { refreshToken }, headers)
      expect([lost.status, again.status, again.body['code']]).toEqual([200, code === undefined ? 200 : 401, code])
      if (code === undefined) expect((await refresh(String(again.body['refreshToken']))).status).toBe(200)
      expect(problem(await post('/v1/sessions/refresh', { refreshToken }, headers)).code).toMatch(/RefreshReused|SessionEnded/)
    }
  })

  test('and a login that are asked for again and again, since no answer arrives, end no session: the last answer is good', async () => {
    const { register, post, refresh } = await world()
    await register('Ann')
    const many = async (path: string, body: object) => {
      const answers = []
      for (let k = 0; k < 7; k++) answers.push(await post(path, body, keyed))
      expect(answers.map(({ status, body: { code } }) => [status < 300, code])).toEqual(answers.map(() => [true, undefined]))
      return answers.map((answer) => session.parse(answer.body).refreshToken)
    }
    const logins = await many('/v1/sessions', { name: 'Ann', password: PASSWORD })
    const renewals = await many('/v1/sessions/refresh', { refreshToken: logins.at(-1) })
    expect((await refresh(renewals.at(-1) ?? '')).status).toBe(200)
    expect(problem(await refresh(renewals.at(-2) ?? '')).code).toBe('RefreshReused')
  })

  test('of a page that is loaded anew in the middle of it does not end the session; of a game it does', async () => {
    const { register, ask, player, refresh, clock } = await world()
    await register('Ann')
    const own = { 'x-bailiwick-page': '1', 'sec-fetch-site': 'same-origin' }
    const cookieOf = (answer: { readonly headers: Headers }) => answer.headers.get('set-cookie')?.split(';')[0] ?? ''
    const byPage = (cookie: string) => ask('POST', '/v1/sessions/refresh', {}, undefined, { ...own, cookie })
    const login = await ask('POST', '/v1/sessions', { name: 'Ann', password: PASSWORD, refreshIn: 'cookie' }, undefined, own)
    const first = cookieOf(login)
    // Two at once: whichever answer the browser keeps, it goes on.
    const answers = await Promise.all([byPage(first), byPage(first)])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    const kept = cookieOf(answers[1])
    clock.advance(REFRESH_GRACE * 3)
    const next = await byPage(kept)
    expect(next.status).toBe(200)
    clock.advance(REFRESH_GRACE)
    expect(problem(await byPage(cookieOf(answers[0]))).code).toBe('RefreshReused')
    expect(problem(await byPage(cookieOf(next))).code).toBe('SessionEnded')
    // What a game was given is no page's, whether it is shown in a body or, by a thief, as a cookie.
    for (const [name, again] of [
      ['Bob', refresh],
      ['Eve', (token: string) => byPage(`__Host-bailiwick-refresh=${token}`)],
    ] as const) {
      const { refreshToken } = await player(name)
      await refresh(refreshToken)
      expect(problem(await again(refreshToken)).code).toBe('RefreshReused')
    }
  })
})

describe('a changed password', () => {
  const body = { password: PASSWORD, newPassword: 'a new pass word' }

  test('is changed once, and whoever did not hear of it gets its session with the same key', async () => {
    const { player, post, count, login } = await world()
    const ann = await player('Ann')
    const lost = await post('/v1/accounts/current/password', body, keyed, ann.accessToken)
    const again = await post('/v1/accounts/current/password', body, keyed, ann.accessToken)
    expect([lost.status, again.status, wasRepeated(again)]).toEqual([200, 200, true])
    const { accessToken } = session.parse(again.body)
    expect(await count(accessToken)).toBe(1)
    expect((await login('Ann', body.newPassword)).status).toBe(201)
    // Without the key, or without the new password, the session has ended.
    expect(problem(await post('/v1/accounts/current/password', body, {}, ann.accessToken)).code).toBe('SessionEnded')
    const guess = { password: PASSWORD, newPassword: 'not the new one' }
    expect(problem(await post('/v1/accounts/current/password', guess, keyed, ann.accessToken)).code).toBe('WrongCredentials')
  })

  test('of an account that is banned or gone since opens nothing', async () => {
    const { player, post, ask } = await world()
    const ann = await player('Ann')
    const { accessToken } = session.parse((await post('/v1/accounts/current/password', body, keyed, ann.accessToken)).body)
    await ask('POST', '/v1/accounts/current/deletion', { password: body.newPassword }, accessToken)
    expect(problem(await post('/v1/accounts/current/password', body, keyed, ann.accessToken)).code).toBe('SessionEnded')
  })
})

test('a deletion that is repeated with its key has been done; of a session that ended otherwise it is not', async () => {
  const { player, post, ask, loggedIn } = await world()
  const ann = await player('Ann')
  const remove = (headers: Readonly<Record<string, string>>) =>
    post('/v1/accounts/current/deletion', { password: PASSWORD }, headers, ann.accessToken)
  const second = await loggedIn('Ann')
  await ask('DELETE', '/v1/sessions/current', undefined, ann.accessToken)
  expect(problem(await remove(keyed)).code).toBe('SessionEnded')
  const done = await post('/v1/accounts/current/deletion', { password: PASSWORD }, keyed, second.accessToken)
  const again = await post('/v1/accounts/current/deletion', { password: PASSWORD }, keyed, second.accessToken)
  expect([done.status, wasRepeated(done), again.status, wasRepeated(again)]).toEqual([204, false, 204, true])
  expect(problem(await post('/v1/accounts/current/deletion', { password: PASSWORD }, {}, second.accessToken)).code).toBe('SessionEnded')
})

test.each(['/v1/accounts', '/v1/sessions', '/v1/sessions/refresh', '/v1/accounts/current/password', '/v1/accounts/current/deletion'])(
  'a key that is none is refused: %s',
  async (path) => {
    const { player, post } = await world()
    const { accessToken, refreshToken } = await player('Ann')
    const bodies: Record<string, object> = {
      '/v1/accounts': { name: 'Eve', password: PASSWORD },
      '/v1/sessions': { name: 'Ann', password: PASSWORD },
      '/v1/sessions/refresh': { refreshToken },
      '/v1/accounts/current/password': { password: PASSWORD, newPassword: 'a new pass word' },
      '/v1/accounts/current/deletion': { password: PASSWORD },
    }
    for (const bad of [key, { 'idempotency-key': 'x'.repeat(201) }]) {
      expect(problem(await post(path, bodies[path], bad, accessToken))).toEqual({ status: 400, code: 'InvalidInput' })
    }
    expect((await post(path, bodies[path], keyed, accessToken)).status).toBeLessThan(300)
  },
)

test('nothing of a key, or of what was answered with it, stands in the store', async () => {
  const { store, post } = await world()
  const written: string[] = []
  const { append } = store
  store.append = (...args: Parameters<Store['append']>) => {
    written.push(JSON.stringify(args))
    return append(...args)
  }
  await post('/v1/accounts', { name: 'Ann', password: PASSWORD }, keyed)
  const first = session.parse((await post('/v1/sessions', { name: 'Ann', password: PASSWORD }, keyed)).body)
  const next = session.parse((await post('/v1/sessions/refresh', { refreshToken: first.refreshToken }, keyed)).body)
  const all = written.join('')
  const secrets = [first, next].flatMap(({ accessToken, refreshToken }) => [accessToken, refreshToken.split('.')[1] ?? ''])
  for (const secret of ['a-key-of-1', PASSWORD, ...secrets]) expect(all).not.toContain(secret)
})
