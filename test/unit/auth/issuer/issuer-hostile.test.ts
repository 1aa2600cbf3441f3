import { createPublicKey, createSecretKey, generateKeyPairSync } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import fc from 'fast-check'
import type { JWTPayload } from 'jose'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../../core/clock.ts'
import { ISSUER_CALL_DEADLINE, ISSUER_COOLDOWN } from '../../../../core/timing.ts'
import { gameLoginQuery, pageLoginQuery } from '../../../../services/auth/issuer-schemas.ts'
import { freePort } from '../../../free-port.ts'
import { session } from '../serve-app.ts'
import { problem } from '../stage.ts'
import { CLIENT, goodClaims, type HostileIssuer, signed, startHostileIssuer, unsigned } from './hostile-issuer.ts'
import { own, PATIENT, settingsFor, worldWith } from './world.ts'

/** A player with a login begun at an issuer that does what it likes. */
async function begun(callDeadlineMs = PATIENT) {
  const port = await freePort()
  const issuer = await startHostileIssuer()
  let now = Date.now()
  const timers = { ...systemClock, now: () => now, after: (_: number, call: () => void) => systemClock.after(0, call) }
  const world = await worldWith([settingsFor({ url: issuer.url, ...CLIENT }, port)], port, {}, { timers, callDeadlineMs })
  const player = world.person()
  const begin = async (query = '') => {
    const response = await player.browser.ask(`${world.url}/v1/oidc/studio/login${query}`)
    const location = new URL(response.headers.get('location') ?? 'about:blank')
    return { response, location, state: location.searchParams.get('state') ?? '', nonce: location.searchParams.get('nonce') ?? '' }
  }
  const back = async (query: Readonly<Record<string, string>>) => {
    const response = await player.browser.ask(`${world.url}/v1/oidc/studio/callback?${new URLSearchParams(query)}`)
    const body: unknown = response.status === 303 ? {} : await response.json()
    return { status: response.status, body, told: response.headers.get('location') }
  }
  const later = (ms: number): void => {
    now += ms
  }
  return { ...world, issuer, player, begin, back, later }
}

const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const good = { alg: 'ES256', kid: 'k' }
const hmac = (text: string) => createSecretKey(Buffer.from(text))

type Forge = (claims: JWTPayload, issuer: HostileIssuer) => string | undefined | Promise<string | undefined>
const past = Math.floor(Date.now() / 1_000) - 3_600
const changed =
  (more: Readonly<Record<string, unknown>>): Forge =>
  (claims, issuer) =>
    signed({ ...claims, ...more }, issuer.key, good)

const forgeries: readonly (readonly [string, Forge])[] = [
  ['of another nonce', changed({ nonce: 'another' })],
  ['without nonce', changed({ nonce: undefined })],
  ['of another issuer', changed({ iss: 'https://other.example' })],
  ['for another client', changed({ aud: 'another' })],
  ['for two clients, meant for the other one', changed({ aud: [CLIENT.clientId, 'another'], azp: 'another' })],
  ['that is over', changed({ iat: past, exp: past + 300 })],
  ['without an end', changed({ exp: undefined })],
  ['of nobody', changed({ sub: undefined })],
  ['of somebody with an endless name', changed({ sub: 'x'.repeat(300) })],
  ['that nobody signed (alg none)', (claims) => unsigned(claims)],
  ['signed with another key', (claims) => signed(claims, other, good)],
  ['signed with a key that is not published', (claims) => signed(claims, other, { ...good, kid: 'another' })],
  ['signed with the secret (HS256)', (claims) => signed(claims, hmac(CLIENT.clientSecret), { alg: 'HS256' })],
  [
    'signed with the public key (HS256)',
    (claims, { key }) => signed(claims, hmac(createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString()), { alg: 'HS256' }),
  ],
  [
    'changed after it was signed',
    async (claims, { key }) => {
      const [header, , signature] = (await signed(claims, key, good)).split('.')
      return `${header}.${Buffer.from(JSON.stringify({ ...claims, sub: 'admin' })).toString('base64url')}.${signature}`
    },
  ],
  ['that does not come', () => undefined],
]

describe('a token', () => {
  test.each(forgeries)('%s is refused', async (_, forge) => {
    const { issuer, begin, back, player } = await begun()
    const { state, nonce } = await begin()
    issuer.idToken = await forge(goodClaims(issuer, nonce), issuer)
    expect(await back({ code: 'c', state, iss: issuer.url })).toMatchObject({ status: 303, told: '/#login=IssuerRefused' })
    expect(problem(await player.open({ name: 'Ann' }))).toEqual({ status: 401, code: 'LoginExpired' })
  })

  test.each<[string, (now: number) => Readonly<Record<string, unknown>>, string]>([
    ['of a moment ago', (now) => ({ auth_time: now }), 'Done'],
    ['of an hour ago', (now) => ({ auth_time: now - 3_600 }), 'IssuerRefused'],
    ['that has no time', () => ({}), 'IssuerRefused'],
    ['whose time is no number', () => ({ auth_time: 'now' }), 'IssuerRefused'],
  ])('where a fresh login was asked for, of one %s', async (_, moreOf, told) => {
    const { issuer, begin, back } = await begun()
    const { location, state, nonce } = await begin('?fresh=true')
    expect([location.searchParams.get('prompt'), location.searchParams.get('max_age')]).toEqual(['login', '0'])
    const more = moreOf(Math.floor(Date.now() / 1_000))
    issuer.idToken = await signed({ ...goodClaims(issuer, nonce), ...more }, issuer.key, good)
    expect(await back({ code: 'c', state, iss: issuer.url })).toMatchObject({ status: 303, told: `/#login=${told}` })
  })

  test('that is right is taken', async () => {
    const { issuer, begin, back, player } = await begun()
    const { state, nonce } = await begin()
    issuer.idToken = await signed(goodClaims(issuer, nonce), issuer.key, good)
    expect(await back({ code: 'c', state, iss: issuer.url })).toMatchObject({ status: 303, told: '/#login=Done' })
    expect(session.parse((await player.open({ name: 'Ann' })).body).account.name).toBe('Ann')
  })
})

test('nothing of a token, a code or a player is logged, whatever is wrong with it', async () => {
  const { issuer, begin, back, logged } = await begun()
  for (const more of [{}, { nonce: 'another' }, { aud: 'another' }]) {
    const { state, nonce } = await begin()
    const claims = { ...goodClaims(issuer, nonce), sub: 'hush-sub', email: 'hush@example.org', preferred_username: 'hush-name', ...more }
    issuer.idToken = await signed(claims, issuer.key, good)
    await back({ code: 'hush-code', state, iss: issuer.url })
    for (const secret of ['hush', state, nonce, issuer.idToken.split('.')[1] ?? '', CLIENT.clientSecret])
      expect(logged()).not.toContain(secret)
  }
  expect(logged()).toContain('a login at an issuer failed')
})

describe('an answer of the issuer', () => {
  const json = (status: number, body: string) => (_: unknown, response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  }
  test.each<[string, HostileIssuer['answers'], string]>([
    ['that the code is used up', { '/token': json(400, '{"error":"invalid_grant"}') }, 'IssuerRefused'],
    ['that our secret is wrong', { '/token': json(401, '{"error":"invalid_client"}') }, 'IssuerUnavailable'],
    ['that it failed', { '/token': json(500, '{}') }, 'IssuerUnavailable'],
    ['that is no JSON', { '/token': json(200, '<html>') }, 'IssuerUnavailable'],
    ['without end', { '/token': json(200, `{"x":"${'x'.repeat(400_000)}"}`) }, 'IssuerUnavailable'],
    ['that never comes', { '/token': () => undefined }, 'IssuerUnavailable'],
    [
      'that breaks off',
      { '/token': (_, response) => response.writeHead(200, { 'content-length': '100' }).write('{', () => response.destroy()) },
      'IssuerUnavailable',
    ],
    [
      'that sends us to another address',
      { '/token': (_, response) => response.writeHead(307, { location: '/jwks' }).end() },
      'IssuerUnavailable',
    ],
    ['whose keys can not be read', { '/jwks': json(503, '{}') }, 'IssuerUnavailable'],
  ])('%s is told as it is', async (what, answers, code) => {
    const { issuer, begin, back } = await begun(what === 'that never comes' ? ISSUER_CALL_DEADLINE : PATIENT)
    const { state, nonce } = await begin()
    issuer.idToken = await signed(goodClaims(issuer, nonce), issuer.key, good)
    issuer.answers = answers
    expect(await back({ code: 'c', state, iss: issuer.url })).toMatchObject({ status: 303, told: `/#login=${code}` })
    // A redirection was not followed.
    if (what.includes('another address')) expect(issuer.asked).not.toContain('/jwks')
  })

  test.each<[string, Record<string, string>]>([
    ['that the player said no', { error: 'access_denied' }],
    ['of another issuer (mix-up)', { code: 'c', iss: 'https://other.example' }],
    ['that does not say of which issuer it is, though it always does', { code: 'c', iss: '' }],
    ['without code', {}],
  ])('%s is refused, and the issuer is asked for nothing', async (_, query) => {
    const { issuer, begin, back } = await begun()
    const { state } = await begin()
    const { iss = issuer.url, ...rest } = query
    expect(await back({ ...rest, state, ...(iss === '' ? {} : { iss }) })).toMatchObject({ status: 303, told: '/#login=IssuerRefused' })
    expect(issuer.asked).not.toContain('/token')
  })
})

describe('a description of the issuer', () => {
  const away = { status: 503, code: 'IssuerUnavailable' }
  const internal = 'http://169.254.169.254/latest'
  test.each<[string, Readonly<Record<string, unknown>>]>([
    ['of another issuer', { issuer: 'https://other.example' }],
    ['with keys at an address inside', { jwks_uri: internal }],
    ['with tokens at an address inside', { token_endpoint: internal }],
    ['that sends players to a script', { authorization_endpoint: 'javascript:alert(1)' }],
    ['that sends players over plain HTTP', { authorization_endpoint: 'http://other.example/' }],
    ['without keys', { jwks_uri: undefined }],
  ])('%s is not taken', async (_, description) => {
    const { issuer, ask } = await begun()
    issuer.description = description
    expect(problem(await ask('GET', '/v1/oidc/studio/login'))).toEqual(away)
  })

  test('that could not be read is asked for twice, then not before some seconds, then again', async () => {
    const { issuer, ask, begin, later } = await begun()
    const description = '/.well-known/openid-configuration'
    issuer.answers = { [description]: (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>') }
    const many = await Promise.all(Array.from({ length: 20 }, () => ask('GET', '/v1/oidc/studio/login')))
    for (const each of many) expect(problem(each)).toEqual(away)
    expect(issuer.asked).toEqual([description, description])
    issuer.answers = {}
    expect(problem(await ask('GET', '/v1/oidc/studio/login'))).toEqual(away)
    later(ISSUER_COOLDOWN)
    expect((await begin()).location.origin).toBe(issuer.url)
    await begin()
    expect(issuer.asked).toHaveLength(3)
  })

  test('that can not be read is told of in the log with what keeps it from that', async () => {
    const { issuer, ask, logged } = await begun()
    issuer.answers = { '/.well-known/openid-configuration': (_, response) => response.destroy() }
    expect(problem(await ask('GET', '/v1/oidc/studio/login'))).toEqual(away)
    expect(logged()).toContain(`GET ${issuer.url}/.well-known/openid-configuration: fetch failed: `)
  })
})

describe('what comes back', () => {
  test('without the cookie, with another state, to another browser, or a second time is no login', async () => {
    const { issuer, begin, back, person, url, player } = await begun()
    const { state, nonce, response } = await begin()
    issuer.idToken = await signed(goodClaims(issuer, nonce), issuer.key, good)
    expect(response.headers.get('set-cookie')).toMatch(
      /^__Host-bailiwick-login=[\w.-]+; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=600$/,
    )
    const expired = { status: 401, body: { code: 'LoginExpired' } }
    const query = { code: 'c', state, iss: issuer.url }
    // Login CSRF: an attacker's answer in the player's browser.
    expect(await back({ ...query, state: 'another' })).toMatchObject(expired)
    expect(await back({ code: 'c', iss: issuer.url })).toMatchObject(expired)
    const stranger = person()
    const callback = `${url}/v1/oidc/studio/callback?${new URLSearchParams(query)}`
    expect((await stranger.browser.ask(callback)).status).toBe(401)
    await stranger.browser.ask(`${url}/v1/oidc/studio/login`)
    expect((await stranger.browser.ask(callback)).status).toBe(401)
    // One planted beside it, and one that was changed.
    const { origin } = new URL(url)
    const cookie = player.browser.cookies(origin)
    for (const wrong of [`${cookie}; ${cookie}`, `${cookie.slice(0, -4)}AAAA`, '__Host-bailiwick-login=x', cookie.replace('__Host-', '')]) {
      expect((await fetch(callback, { headers: { cookie: wrong }, redirect: 'manual' })).status, wrong).toBe(401)
    }
    expect(issuer.asked).not.toContain('/token')
    expect(await back(query)).toMatchObject({ status: 303, told: '/#login=Done' })
    expect(await back(query)).toMatchObject(expired)
  })

  test.each(['cross-site', 'same-site'])('was not begun by a link of another site (%s)', async (site) => {
    const { ask } = await begun()
    const headers = { 'sec-fetch-site': site }
    expect(problem(await ask('GET', '/v1/oidc/studio/login', undefined, undefined, headers))).toEqual({ status: 403, code: 'CrossSite' })
    const { 'x-bailiwick-page': page } = own
    const elsewhere = { 'x-bailiwick-page': page, 'sec-fetch-site': site }
    for (const path of ['/v1/oidc/sessions', '/v1/oidc/identity'])
      expect(problem(await ask('POST', path, {}, undefined, elsewhere))).toEqual({ status: 403, code: 'CrossSite' })
  })
})

describe('where a login goes on', () => {
  test.each([
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    'javascript:alert(1)',
    '/\tevil',
    '/x#login=Done',
    '/x\r\nset-cookie: a=b',
    'play',
    '',
  ])('is no other site: returnTo %j', async (returnTo) => {
    const { ask } = await begun()
    const query = new URLSearchParams({ returnTo })
    expect(problem(await ask('GET', `/v1/oidc/studio/login?${query}`))).toEqual({ status: 400, code: 'InvalidInput' })
  })

  test.each(['/', '/play', '/?link', '/play/here?zone=meadow&x=%20'])('is a path of this site: %s', (returnTo) => {
    expect(pageLoginQuery.parse({ returnTo })).toEqual({ returnTo })
  })

  test('is this site, whatever is let through', () => {
    const site = 'https://play.example'
    const letters = fc.constantFrom('/', '\\', '.', ':', '@', '%', '?', '=', '&', 'a', '2', 'f', '5', 'c', '~', '-', '_')
    const pathLike = fc.array(letters, { maxLength: 12 }).map((some) => `/${some.join('')}`)
    fc.assert(
      fc.property(pathLike, (returnTo) => {
        if (!pageLoginQuery.safeParse({ returnTo }).success) return
        expect(new URL(`${returnTo}#login=Done`, `${site}/v1/oidc/studio/callback`).origin).toBe(site)
      }),
      { numRuns: 2_000 },
    )
  })

  const game = { challenge: 'A'.repeat(43), state: 'A'.repeat(22) }
  test.each([
    'https://evil.example/',
    'http://evil.example:80/',
    'http://localhost:7000/',
    'http://127.0.0.1:7000@evil.example/',
    'http://127.0.0.1.evil.example:7000/',
    'http://127.0.0.1/',
    'http://127.0.0.1:99999/',
    'http://127.0.0.1:65536/',
    'http://127.0.0.1:0/',
    'http://127.0.0.1:7000/?code=x',
    'http://127.0.0.1:7000/#x',
    'mygame://back',
  ])('is for a game this machine alone: %s is refused', (redirectUri) => {
    expect(gameLoginQuery.safeParse({ redirectUri, ...game }).success).toBe(false)
  })

  test.each(['http://127.0.0.1:64999/back', 'http://[::1]:7000/a/b'])('%s is not', (redirectUri) => {
    expect(gameLoginQuery.safeParse({ redirectUri, ...game }).success).toBe(true)
  })

  test('is any port that there is', () => {
    const taken = (port: number) => gameLoginQuery.safeParse({ redirectUri: `http://127.0.0.1:${port}`, ...game }).success
    const ports = [...Array(1_100).keys()].flatMap((port) => [port, 9_000 + port, 59_000 + port, 64_900 + port])
    expect(ports.filter((port) => taken(port) !== (port >= 1 && port <= 65_535))).toEqual([])
  })
})
