import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import { NAME_CLAIM_UNDECIDED, SESSION_TTL } from '../../../core/timing.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { createTokenSigner, createTokenVerifier } from '../../../platform/tokens/index.ts'
import { createAuthApp } from '../../../services/auth/app.ts'
import { createThrottle } from '../../../services/auth/throttle.ts'
import type { Answer, Served } from './serve-app.ts'
import { cheap, collectLog, serveApp, session } from './serve-app.ts'

const clock = new ManualClock(Date.now())
const index = createMemoryIndex({ clock })
const { log, lines } = collectLog()
/** What it does is tested apart: here many log in wrongly at once. */
const throttle = { ...createThrottle(clock), enter: () => ({ succeeded: () => undefined, unanswered: () => undefined }) }
let store: Store
let served: Served
let jwksUrl: string

beforeAll(async () => {
  store = await createSqliteStore({ file: ':memory:' })
  const signer = await createTokenSigner({ clock })
  served = await serveApp(createAuthApp({ store, index, signer, log, metrics: createMetrics('auth'), clock, passwords: cheap, throttle }))
  jwksUrl = `${served.url}/.well-known/jwks.json`
})
afterAll(async () => {
  await served.close()
  await store.close()
})

const register = (name: unknown, password: unknown = 'pass word 1') => served.ask('POST', '/v1/accounts', { name, password })
const login = (name: unknown, password: unknown = 'pass word 1') => served.ask('POST', '/v1/sessions', { name, password })
const refresh = (refreshToken: unknown) => served.ask('POST', '/v1/sessions/refresh', { refreshToken })
const logout = (token?: string) => served.ask('DELETE', '/v1/sessions/current', undefined, token)
const problem = (answer: Answer) => ({ status: answer.status, code: answer.body['code'] })
const loggedIn = async (name: string) => {
  await register(name)
  return session.parse((await login(name)).body)
}

describe('accounts', () => {
  test('registering answers the account, and nothing of its password', async () => {
    const answer = await register('Ann_1')
    expect(answer.status).toBe(201)
    expect(answer.body).toEqual({ account: { id: expect.stringMatching(/^[\w-]{22}$/), name: 'Ann_1' } })
  })

  test.each<[string, unknown, unknown]>([
    ['short name', 'ab', 'pass word 1'],
    ['long name', 'a'.repeat(25), 'pass word 1'],
    ['space in the name', 'a b c', 'pass word 1'],
    ['control character', 'abc\u0000', 'pass word 1'],
    ['invisible character', 'abc\u200b', 'pass word 1'],
    ['name that normalises to too much', 'ﷺ', 'pass word 1'],
    ['name that is an object', { $gt: '' }, 'pass word 1'],
    ['short password', 'abcd', '1234567'],
    ['long password', 'abcd', 'x'.repeat(129)],
    ['password that is a list', 'abcd', ['pass word 1']],
    ['no name', undefined, 'pass word 1'],
  ])('refused: %s', async (_, name, password) => {
    expect(problem(await register(name, password))).toEqual({ status: 400, code: 'InvalidInput' })
  })

  test.each(['BoB', 'bob', 'Ｂｏｂ', 'ＢＯＢ'])('a name is taken in every writing: %s', async (name) => {
    await register('Bob')
    expect(problem(await register(name))).toEqual({ status: 409, code: 'NameTaken' })
  })

  test('names of other scripts are names', async () => {
    expect((await register('Ольга')).status).toBe(201)
    expect((await register('花子さん')).status).toBe(201)
    expect((await login('ОЛЬГА')).status).toBe(201)
  })

  test('of 20 who register one name at once one gets it', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => register('Contested')))
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1)
    expect(answers.filter((answer) => answer.body['code'] === 'NameTaken')).toHaveLength(19)
    expect((await login('contested')).status).toBe(201)
  })

  test.each([1, 2])('a death before insert %i leaves the name to who comes next', async (insert) => {
    const name = `Phoenix${insert}`
    let inserts = 0
    const dying: Store = {
      ...store,
      async append(chain, n, nonce, record) {
        if (++inserts === insert) throw new Error('killed')
        return store.append(chain, n, nonce, record)
      },
    }
    const signer = await createTokenSigner({ clock })
    const other = await serveApp(
      createAuthApp({ store: dying, index, signer, log, metrics: createMetrics('auth'), clock, passwords: cheap }),
    )
    expect((await other.ask('POST', '/v1/accounts', { name, password: 'pass word 1' })).status).toBe(500)
    await other.close()
    clock.advance(NAME_CLAIM_UNDECIDED)
    expect((await register(name)).status).toBe(201)
    expect((await login(name)).status).toBe(201)
  })
})

describe('sessions', () => {
  test('logging in gives tokens that others can check with the published keys', async () => {
    await register('Carl')
    const answer = await login('carl')
    const { account, accessToken } = session.parse(answer.body)
    // RFC 6749, 5.1: no cache between keeps them.
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const verifier = createTokenVerifier({ jwksUrl }, { clock })
    expect(await verifier.verify(accessToken)).toEqual({
      account: account.id,
      name: 'Carl',
      session: expect.any(String),
      roles: ['player'],
    })
  })

  test('an unknown name and a wrong password get the same answer, after the same work', async () => {
    await register('Dora')
    const work: string[] = []
    const noting = <T>(what: string, run: () => Promise<T>): Promise<T> => {
      work.push(what)
      return run()
    }
    const spying: Store = { ...store, head: (chain) => noting(`head ${chain.split('/')[0]}`, () => store.head(chain)) }
    const passwords = {
      ...cheap,
      verify: (password: string, stored: string | undefined) => noting('verify', () => cheap.verify(password, stored)),
    }
    const signer = await createTokenSigner({ clock })
    const other = await serveApp(createAuthApp({ store: spying, index, signer, log, metrics: createMetrics('auth'), clock, passwords }))
    const tries = [
      { name: 'Dora', password: 'wrong password' },
      { name: 'Nobody', password: 'wrong password' },
      { name: '', password: '' },
    ]
    for (const body of tries) {
      const answer = await other.ask('POST', '/v1/sessions', body)
      expect(problem(answer)).toEqual({ status: 401, code: 'WrongCredentials' })
      expect({ ...answer.body, requestId: '' }).toMatchObject({ detail: 'check them, or register', instance: '/v1/sessions' })
    }
    expect(work).toEqual([...tries].flatMap(() => ['head account-name', 'head account', 'verify']))
    await other.close()
  })

  test('a refresh token is good once; used again the session ends, for everybody', async () => {
    const first = await loggedIn('Emil')
    const second = session.parse((await refresh(first.refreshToken)).body)
    const third = session.parse((await refresh(second.refreshToken)).body)
    expect(third.account).toEqual(first.account)
    expect(problem(await refresh(first.refreshToken))).toEqual({ status: 401, code: 'RefreshReused' })
    expect(problem(await refresh(third.refreshToken))).toEqual({ status: 401, code: 'SessionEnded' })
    expect(lines.join('')).toContain('a refresh token was used twice')
  })

  test('of many who use one refresh token at once at most one gets in, and the session ends', async () => {
    const { refreshToken } = await loggedIn('Fritz')
    const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(refreshToken)))
    const lucky = answers.filter((answer) => answer.status === 200)
    expect(lucky.length).toBeLessThanOrEqual(1)
    for (const answer of answers) expect(['RefreshReused', 'SessionEnded', undefined]).toContain(answer.body['code'])
    for (const answer of lucky) expect((await refresh(answer.body['refreshToken'])).body['code']).toBe('SessionEnded')
  })

  test('logging out ends the session, once and for all', async () => {
    const { accessToken, refreshToken } = await loggedIn('Gerd')
    expect((await logout(accessToken)).status).toBe(204)
    expect((await logout(accessToken)).status).toBe(204)
    expect(problem(await refresh(refreshToken))).toEqual({ status: 401, code: 'SessionEnded' })
    expect(problem(await logout())).toEqual({ status: 401, code: 'Unauthenticated' })
    expect(problem(await logout('x.y.z'))).toEqual({ status: 401, code: 'Unauthenticated' })
  })

  test('a session that was not used for its time to live has ended', async () => {
    const { refreshToken, accessToken } = await loggedIn('Hans')
    clock.advance(SESSION_TTL)
    expect(problem(await refresh(refreshToken))).toEqual({ status: 401, code: 'SessionEnded' })
    expect(problem(await logout(accessToken))).toEqual({ status: 401, code: 'Unauthenticated' })
  })

  test.each(['', 'x', 'AAAAAAAAAAAAAAAAAAAAAA.', `${'A'.repeat(22)}.${'A'.repeat(43)}`])('refresh token %j is refused', async (token) => {
    expect(problem(await refresh(token))).toEqual({ status: 401, code: 'SessionEnded' })
  })
})

test('the keys are public, and nothing else', async () => {
  const answer = await served.ask('GET', '/.well-known/jwks.json')
  expect(answer.headers.get('cache-control')).toContain('public')
  expect(answer.body).toEqual({
    keys: [{ kty: 'OKP', crv: 'Ed25519', x: expect.any(String), kid: expect.any(String), alg: 'EdDSA', use: 'sig' }],
  })
})

test('a thousand random bodies to each address: no 5xx, always a problem with a code, no secret in the log', async () => {
  const secret = 'hush-hush-hush'
  const field = fc.oneof(fc.string(), fc.jsonValue(), fc.constant(secret), fc.constant('Ann_1'))
  const body = fc.oneof(
    fc.jsonValue(),
    fc.record({ name: field, password: fc.oneof(field, fc.constant(secret)) }),
    fc.record({ refreshToken: fc.oneof(field, fc.constant(`${'B'.repeat(22)}.${secret}`)) }),
    fc.dictionary(fc.string(), field),
  )
  for (const path of ['/v1/accounts', '/v1/sessions', '/v1/sessions/refresh']) {
    const check = async (bodies: readonly unknown[]) => {
      // Else the limit of the rate would answer instead of what is tested.
      clock.advance(1_000)
      for (const answer of await Promise.all(bodies.map((random) => served.ask('POST', path, random)))) {
        expect(answer.status).toBeLessThan(500)
        expect(answer.status).not.toBe(429)
        if (answer.status < 400) continue
        expect(answer).toMatchObject({ type: expect.stringContaining('application/problem+json'), body: { code: expect.any(String) } })
      }
    }
    await fc.assert(fc.asyncProperty(fc.array(body, { minLength: 50, maxLength: 50 }), check), { numRuns: 20 })
  }
  const logged = lines.join('')
  expect(logged).not.toContain(secret)
  expect(logged).not.toContain('pass word 1')
  expect(logged).not.toContain('eyJ')
  expect(logged).not.toContain('$argon2id')
}, 240_000)
