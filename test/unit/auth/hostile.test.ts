import { describe, expect, test } from 'vitest'
import { chains } from '../../../core/chains.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import { z } from '../../../core/validate/index.ts'
import { checkCredentials } from '../../../services/auth/accounts.ts'
import { createPasswordHasher } from '../../../services/auth/passwords.ts'
import { askRaw } from '../../raw-request.ts'
import { session } from './serve-app.ts'
import { PASSWORD, problem, stage } from './stage.ts'

const objects: readonly unknown[] = [
  { $ne: null },
  { $gt: '' },
  { $where: 'sleep(1000)' },
  ['Ann'],
  [{ $ne: null }],
  1,
  true,
  null,
  { toString: 'x' },
]

/** All that has a body, with every field that it may have. */
const bodies: readonly (readonly [string, string, Readonly<Record<string, unknown>>])[] = [
  ['POST', '/v1/accounts', { name: 'Eve', password: PASSWORD }],
  ['POST', '/v1/sessions', { name: 'Ann', password: PASSWORD, refreshIn: 'body' }],
  ['POST', '/v1/sessions/refresh', { refreshToken: 'x' }],
  ['POST', '/v1/accounts/current/password', { password: PASSWORD, newPassword: 'a new pass word', refreshIn: 'body' }],
  ['POST', '/v1/accounts/current/deletion', { password: PASSWORD }],
  ['POST', '/v1/oidc/identity', { code: 'x', verifier: 'A'.repeat(43) }],
  ['POST', '/v1/oidc/sessions', { proof: 'x', name: 'Eve', refreshIn: 'body' }],
  ['POST', '/v1/accounts/current/identities', { proof: 'x', password: PASSWORD }],
  ['POST', '/v1/accounts/current/identities/{id}/removal', { password: PASSWORD }],
  ['PUT', '/v1/admin/accounts/{id}/ban', { reason: 'x', until: '2040-01-01T00:00:00Z' }],
  ['PUT', '/v1/admin/accounts/{id}/role', { role: 'player' }],
]
const pathOf = (path: string): string => path.replace('{id}', 'A'.repeat(path.includes('identities') ? 43 : 22))
const invalid = { status: 400, code: 'InvalidInput' }

test('what has a body, and its fields, are those that the service says it has', async () => {
  const { ask } = await stage()
  const { body } = await ask('GET', '/openapi.json')
  const schema = z.looseObject({ properties: z.record(z.string(), z.unknown()) })
  const operation = z.looseObject({
    requestBody: z.looseObject({ content: z.looseObject({ 'application/json': z.looseObject({ schema }) }) }).optional(),
  })
  const { paths } = z.looseObject({ paths: z.record(z.string(), z.record(z.string(), operation)) }).parse(body)
  const said = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { requestBody }]) => {
      const fields = requestBody?.content['application/json'].schema.properties
      return fields === undefined ? [] : [`${method.toUpperCase()} ${path} ${Object.keys(fields).toSorted().join(' ')}`]
    }),
  )
  expect(said.toSorted()).toEqual(
    bodies.map(([method, path, fields]) => `${method} ${path} ${Object.keys(fields).toSorted().join(' ')}`).toSorted(),
  )
})

describe('an object in place of a text is refused in every field', () => {
  test.each(bodies)('%s %s', async (method, path, body) => {
    const { player, ask } = await stage()
    const { accessToken } = await player('Ann')
    for (const field of Object.keys(body)) {
      for (const object of objects) {
        const answer = await ask(method, pathOf(path), { ...body, [field]: object }, accessToken)
        expect(problem(answer), `${field} ${JSON.stringify(object)}`).toEqual(invalid)
      }
    }
  })
})

test.each([
  ['name[$ne]=x', 400],
  ['name=x&name=y', 400],
  ['name=x&role=admin', 400],
  ['name=', 400],
])('the query %s of the admin API is refused', async (query, status) => {
  const { player, ask } = await stage()
  const { accessToken } = await player('Ann')
  expect((await ask('GET', `/v1/admin/accounts?${query}`, undefined, accessToken)).status).toBe(status)
})

describe('mass assignment: a field that nobody asked for is refused, and changes nothing', () => {
  const additions = [
    { roles: ['admin'] },
    { role: 'admin' },
    { id: 'x' },
    { account: 'x' },
    { ban: null },
    { sessionEpoch: 9 },
    { __proto__x: 1 },
  ]
  test.each(bodies)('%s %s', async (method, path, body) => {
    const { ask, login, player, store } = await stage()
    const { accessToken } = await player('Ann')
    for (const more of additions) {
      if (Object.keys(more).some((field) => field in body)) continue
      expect(problem(await ask(method, pathOf(path), { ...body, ...more }, accessToken)), JSON.stringify(more)).toEqual(invalid)
    }
    expect([(await login('Ann')).status, problem(await login('Eve')).code]).toEqual([201, 'WrongCredentials'])
    expect(await store.head(chains.staff)).toBeUndefined()
  })
})

test.each([
  '/v1/sessions/..',
  '/v1/sessions/x/../current',
  '/v1/sessions/%2e%2e/sessions/current',
  '/v1/sessions/%2e%2e%2faccounts',
  '//v1/sessions/current',
  '/v1/sessions/current;x=1',
  '/V1/SESSIONS/current',
  '/v1/sessions/current/',
  '/v1/sessions/%00',
  `/v1/sessions/${'A'.repeat(5_000)}`,
  '/v1/sessions/%',
  '/v1/admin/accounts/account%2Fx',
])('the path %s leads nowhere', async (path) => {
  const { player, served, refresh } = await stage()
  const { accessToken, refreshToken } = await player('Ann')
  expect([400, 404, 405]).toContain(await askRaw(served.url, 'DELETE', path, accessToken))
  expect((await refresh(refreshToken)).status).toBe(200)
})

test.each([
  ['x-http-method-override', 'DELETE'],
  ['x-method-override', 'DELETE'],
  ['x-original-url', '/v1/sessions/current'],
  ['x-rewrite-url', '/v1/sessions/current'],
  ['x-forwarded-user', 'admin'],
  ['x-account', 'AAAAAAAAAAAAAAAAAAAAAA'],
  ['x-roles', 'admin'],
])('the header %s changes nothing', async (name, value) => {
  const { player, ask, refresh } = await stage()
  const { accessToken, refreshToken, account } = await player('Ann')
  const answer = await ask('GET', '/v1/accounts/current', undefined, accessToken, { [name]: value })
  expect(answer.body).toMatchObject({ account: { id: account.id, name: 'Ann' } })
  expect(problem(await ask('GET', '/v1/admin/staff', undefined, accessToken, { [name]: value })).code).toBe('Forbidden')
  expect((await refresh(refreshToken)).status).toBe(200)
})

test('an address that is only claimed is not believed: the limits hold', async () => {
  const { login } = await stage()
  const wrong = (k: number) =>
    login('Nobody1', 'wrong', { 'x-forwarded-for': `198.51.100.${k}`, forwarded: `for=198.51.100.${k}`, 'x-real-ip': `198.51.100.${k}` })
  for (let k = 0; k < 10; k++) expect(problem(await wrong(k)).code).toBe('WrongCredentials')
  expect(problem(await wrong(11)).code).toBe('TooManyRequests')
})

test('a proxy that is trusted says who asks: then one address does not wait for another', async () => {
  const { login } = await stage({ trustedProxies: 1 })
  const wrong = (k: number) => login('Nobody1', 'wrong', { 'x-forwarded-for': `203.0.113.7, 198.51.100.${k}` })
  for (let k = 0; k < 10; k++) await wrong(1)
  expect(problem(await wrong(1)).code).toBe('TooManyRequests')
  expect(problem(await wrong(2)).code).toBe('WrongCredentials')
})

test.each(['password', 'Password1', 'ＰＡＳＳＷＯＲＤ１', 'iloveyou', '1234567890', 'qwertyuiop', 'Eve-the-one'])(
  'refused as a password: %s',
  async (password) => {
    const { register } = await stage()
    expect(problem(await register('Eve-the-one', password))).toEqual({ status: 422, code: 'PasswordCommon' })
  },
)

test('a hash of a lower cost is made anew at login, once, and the password stays good', async () => {
  const dear = createPasswordHasher({ memoryKib: 128, passes: 2 })
  const { store, clock, register, login, ask } = await stage()
  await register('Ann')
  const { account, accessToken } = session.parse((await login('Ann')).body)
  const hash = async () => (await store.head(chains.account(account.id)))?.data['passwordHash']
  expect(await hash()).toContain('$m=64,t=1,p=1$')
  await expect(checkCredentials({ store, clock, passwords: dear }, 'Ann', 'wrong')).rejects.toMatchObject({ code: 'WrongCredentials' })
  expect(await hash()).toContain('$m=64,t=1,p=1$')
  await checkCredentials({ store, clock, passwords: dear }, 'Ann', PASSWORD)
  const risen = await hash()
  expect(risen).toContain('$m=128,t=2,p=1$')
  await checkCredentials({ store, clock, passwords: dear }, 'Ann', PASSWORD)
  expect(await hash()).toBe(risen)
  // It ended no session.
  expect((await ask('GET', '/v1/sessions', undefined, accessToken)).status).toBe(200)
})

test('no token stands in the store, and no password', async () => {
  const written: string[] = []
  const { store, player, refresh } = await stage()
  const { append } = store
  store.append = (...args: Parameters<Store['append']>) => {
    written.push(JSON.stringify(args))
    return append(...args)
  }
  const first = await player('Ann')
  const second = session.parse((await refresh(first.refreshToken)).body)
  expect(written.length).toBeGreaterThan(4)
  for (const { refreshToken, accessToken } of [first, second]) {
    expect(written.join('')).not.toContain(refreshToken.split('.')[1])
    expect(written.join('')).not.toContain(accessToken)
  }
  expect(written.join('')).not.toContain(PASSWORD)
})
