import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { chains } from '../../../../core/chains.ts'
import { ManualClock } from '../../../../core/clock.ts'
import { FRESH_LOGIN, ISSUER_CODE_TTL, ISSUER_LOGIN_TTL, ISSUER_PROOF_TTL } from '../../../../core/timing.ts'
import { createTokenSigner } from '../../../../platform/tokens/index.ts'
import { deleteAccount } from '../../../../services/auth/accounts.ts'
import { eraseDeleted } from '../../../../services/auth/erasure.ts'
import { identityHolder, identityKey } from '../../../../services/auth/identities.ts'
import { readRoster } from '../../../../services/auth/roster.ts'
import { freePort } from '../../../free-port.ts'
import { session } from '../serve-app.ts'
import { PASSWORD, problem, stage } from '../stage.ts'
import { CLIENT, goodClaims, signed, startHostileIssuer } from './hostile-issuer.ts'
import { identity, own, PATIENT, settingsFor, worldWith, worldWithIssuer } from './world.ts'

const ann = { subject: 'studio-account-1', claims: { preferred_username: 'Ann Bonny' } }

/** Where a login begins for which the issuer asks who it is, whoever is logged in there. */
const FRESH = '/v1/oidc/studio/login?fresh=true'

describe('with a real issuer', () => {
  test('a player logs in, chooses a name for the new account, and is the same one the next time', async () => {
    const { issuer, person, url, store, clock } = await worldWithIssuer()
    issuer.person = ann
    const player = person()
    expect(await (await fetch(`${url}/v1/oidc/issuers`)).json()).toEqual({ issuers: [{ id: 'studio', name: 'Studio account' }] })
    expect(await player.atIssuer('/v1/oidc/studio/login?returnTo=/play?zone=meadow')).toEqual({
      path: '/play?zone=meadow',
      told: '#login=Done',
    })
    const studio = { id: 'studio', name: 'Studio account' }
    expect(await player.identify()).toEqual({ issuer: studio, account: null, suggestedName: 'Ann_Bonny' })
    expect(problem(await player.open())).toEqual({ status: 409, code: 'NameNeeded' })
    expect(problem(await player.open({ name: 'moderator' }))).toEqual({ status: 409, code: 'NameRefused' })
    const first = session.parse((await player.open({ name: 'Ann_Bonny' })).body)
    expect(first.account.name).toBe('Ann_Bonny')
    // As every login it says that the account was seen.
    expect(await readRoster(store, first.account.id)).toMatchObject({ lastLoginAt: clock.now() })

    // Another browser, and another name at the issuer: its subject alone says who it is.
    issuer.person = { ...ann, claims: { preferred_username: 'Mary Read', email: 'x@example.org' } }
    const later = person()
    await later.atIssuer()
    expect((await later.identify()).account).toEqual(first.account)
    const again = session.parse((await later.open({ name: 'Somebody' })).body)
    expect(again.account).toEqual(first.account)

    // Another person who calls herself the same.
    issuer.person = { ...ann, subject: 'studio-account-2' }
    const other = person()
    await other.atIssuer()
    expect((await other.identify()).account).toBeNull()
    expect(problem(await other.open({ name: 'Ann_Bonny' }))).toEqual({ status: 409, code: 'NameTaken' })
    expect(session.parse((await other.open({ name: 'Ann-the-second' })).body).account.id).not.toBe(first.account.id)
  })

  test('a page gets its refresh token in the cookie, and nothing of it in an address', async () => {
    const { issuer, person } = await worldWithIssuer()
    issuer.person = ann
    const player = person()
    await player.atIssuer()
    const opened = await player.open({ name: 'Ann', refreshIn: 'cookie' })
    expect(opened.status).toBe(201)
    expect(opened.body).not.toHaveProperty('refreshToken')
    expect(opened.headers.get('set-cookie')).toMatch(/^__Host-bailiwick-refresh=[\w.-]{66}; Path=\/; Secure; HttpOnly; SameSite=Strict/)
    expect((await player.post('/v1/sessions/refresh', {})).status).toBe(200)
  })

  test('a browser does not keep a proof that is used up: a second click shows nothing, and the session goes on', async () => {
    const { issuer, person, url } = await worldWithIssuer()
    issuer.person = ann
    const player = person()
    await player.atIssuer()
    const opened = await player.open({ name: 'Ann', refreshIn: 'cookie' })
    expect(opened.headers.getSetCookie().map((each) => each.split('=')[0])).toEqual(['__Host-bailiwick-refresh', '__Host-bailiwick-login'])
    expect(player.browser.cookies(new URL(url).origin)).not.toContain('__Host-bailiwick-login')
    expect(problem(await player.open({ name: 'Ann', refreshIn: 'cookie' }))).toEqual({ status: 401, code: 'LoginExpired' })
    expect((await player.post('/v1/sessions/refresh', {})).status).toBe(200)
  })

  test('a proof is good for one session: used twice, that one ends', async () => {
    const { issuer, person, refresh, url } = await worldWithIssuer()
    issuer.person = ann
    const player = person()
    await player.atIssuer()
    const { origin } = new URL(url)
    const stolen = player.browser.cookies(origin)
    const { refreshToken } = session.parse((await player.open({ name: 'Ann' })).body)
    player.browser.keep(origin, stolen)
    expect(problem(await player.open())).toEqual({ status: 401, code: 'SessionEnded' })
    expect(problem(await refresh(refreshToken)).code).toBe('SessionEnded')
  })

  test('two browsers of one new player at once make one account', async () => {
    const { issuer, person } = await worldWithIssuer()
    issuer.person = ann
    const browsers = [person(), person(), person()]
    for (const each of browsers) await each.atIssuer()
    const open = async (each: (typeof browsers)[number], at: number) => {
      const answer = await each.open({ name: `Ann-${at}` })
      if (answer.status !== 201) expect(problem(answer)).toEqual({ status: 503, code: 'Busy' })
      // Whoever came too early for the account comes again.
      return answer.status === 201 ? answer : each.open({ name: `Ann-${at}` })
    }
    const opened = await Promise.all(browsers.map(open))
    const ids = opened.flatMap(({ body }) => (typeof body['account'] === 'object' ? [session.parse(body).account.id] : []))
    expect(ids.length).toBeGreaterThan(0)
    expect(new Set(ids).size).toBe(1)
  })

  test('a ban holds for it, and is told', async () => {
    const { issuer, person, store } = await worldWithIssuer()
    issuer.person = ann
    const player = person()
    await player.atIssuer()
    const { account } = session.parse((await player.open({ name: 'Ann' })).body)
    const head = await store.head(chains.account(account.id))
    const ban = { until: null, reason: 'spam', by: 'somebody', at: 0 }
    await store.append(chains.account(account.id), (head?.n ?? 0) + 1, 'ban', { kind: 'changed', data: { ...head?.data, ban } })
    await player.atIssuer()
    expect(problem(await player.open())).toEqual({ status: 403, code: 'Banned' })
  })

  test('what was begun is good for ten minutes, and a proof as well', async () => {
    const { issuer, person, clock, url } = await worldWithIssuer()
    issuer.person = ann
    const player = person()
    const { origin } = new URL(url)
    const back = await player.browser.go(`${url}/v1/oidc/studio/login`, (at) => at.pathname.endsWith('/callback'))
    clock.advance(ISSUER_LOGIN_TTL + 1_000)
    expect(await (await player.browser.ask(back.href)).json()).toMatchObject({ code: 'LoginExpired' })
    await player.atIssuer()
    clock.advance(ISSUER_PROOF_TTL + 1_000)
    expect(problem(await player.open({ name: 'Ann' }))).toEqual({ status: 401, code: 'LoginExpired' })
    expect(player.browser.cookies(origin)).toContain('__Host-bailiwick-login')
  })

  test('what one replica began another one ends: nothing of it is kept by either', async () => {
    const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const clock = new ManualClock()
    const signer = async () => createTokenSigner({ pem, clock })
    const first = await worldWithIssuer({ clock, signer: await signer() })
    first.issuer.person = ann
    const settings = settingsFor(first.issuer, Number(new URL(first.url).port))
    const second = await worldWith([settings], 0, { clock, signer: await signer(), store: first.store }, { callDeadlineMs: PATIENT })
    const { browser } = first.person()
    const back = await browser.go(`${first.url}/v1/oidc/studio/login`, (at) => at.pathname.endsWith('/callback'))
    // The same name before both: the browser sees one site.
    const headers = { ...own, cookie: browser.cookies(back.origin), 'content-type': 'application/json' }
    const ended = await fetch(`${second.url}${back.pathname}${back.search}`, { headers, redirect: 'manual' })
    expect(ended.headers.get('location')).toBe('/#login=Done')
    const cookie = ended.headers.get('set-cookie')?.split(';')[0] ?? ''
    const opened = await first.ask('POST', '/v1/oidc/sessions', { name: 'Ann' }, undefined, { ...own, cookie })
    expect(session.parse(opened.body).account.name).toBe('Ann')
  })

  test('an issuer that is stopped keeps nobody from logging in with a password, and is told as away', async () => {
    const { issuer, url, player } = await worldWithIssuer()
    await issuer.stop()
    const answer = await fetch(`${url}/v1/oidc/studio/login`, { redirect: 'manual' })
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('5')
    const { detail, code } = (await answer.json()) as { detail: string; code: string }
    expect([code, detail]).toEqual(['IssuerUnavailable', 'try again'])
    expect((await player('Bob')).account.name).toBe('Bob')
  })
})

test('without issuers there is nothing to log in at', async () => {
  const { ask } = await stage()
  expect((await ask('GET', '/v1/oidc/issuers')).body).toEqual({ issuers: [] })
  for (const what of ['login', 'callback'])
    expect(problem(await ask('GET', `/v1/oidc/studio/${what}`))).toEqual({ status: 404, code: 'IssuerUnknown' })
})

describe('a game', () => {
  async function gameLogin() {
    const world = await worldWithIssuer()
    world.issuer.person = ann
    const verifier = randomBytes(32).toString('base64url')
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    const state = randomBytes(16).toString('base64url')
    const begin = new URLSearchParams({ redirectUri: 'http://127.0.0.1:49152/back', challenge, state })
    const at = await world.person().browser.go(`${world.url}/v1/oidc/studio/game?${begin}`, (where) => where.port === '49152')
    const code = at.searchParams.get('code') ?? ''
    const redeem = (body: object) => world.ask('POST', '/v1/oidc/identity', body)
    return { ...world, at, state, code, verifier, redeem }
  }

  test('gets a code at the address where it listens, and for code and verifier who logged in, and a session', async () => {
    const { at, state, code, verifier, redeem, ask } = await gameLogin()
    expect(at.href.split('?')[0]).toBe('http://127.0.0.1:49152/back')
    expect([...at.searchParams.keys()].toSorted()).toEqual(['code', 'state'])
    expect(at.searchParams.get('state')).toBe(state)
    const who = identity.parse((await redeem({ code, verifier })).body)
    expect(who).toMatchObject({ account: null, suggestedName: 'Ann_Bonny' })
    const opened = session.parse((await ask('POST', '/v1/oidc/sessions', { proof: who.proof, name: 'Ann' })).body)
    expect(opened.refreshToken).toBeDefined()
    // However often the code is shown: it stands for the same one session.
    const twice = identity.parse((await redeem({ code, verifier })).body)
    expect(problem(await ask('POST', '/v1/oidc/sessions', { proof: twice.proof }))).toEqual({ status: 401, code: 'SessionEnded' })
  })

  test('gets nothing for a code of somebody else’s, or too late', async () => {
    const { code, verifier, redeem, clock, ask } = await gameLogin()
    const expired = { status: 401, code: 'LoginExpired' }
    expect(problem(await redeem({ code, verifier: randomBytes(32).toString('base64url') }))).toEqual(expired)
    expect(problem(await redeem({ code }))).toEqual(expired)
    expect(problem(await redeem({ code: `${code.slice(0, -4)}AAAA`, verifier }))).toEqual(expired)
    // A code is no proof.
    expect(problem(await ask('POST', '/v1/oidc/sessions', { proof: code, name: 'Ann' }))).toEqual(expired)
    clock.advance(ISSUER_CODE_TTL + 1_000)
    expect(problem(await redeem({ code, verifier }))).toEqual(expired)
  })
})

describe('an account', () => {
  const identities = '/v1/accounts/current/identities'

  test('is opened by a login that was linked to it, for which the password is asked, until that is removed', async () => {
    const { issuer, person, player, ask } = await worldWithIssuer()
    issuer.person = ann
    const { accessToken, account } = await player('Bob')
    const browser = person()
    await browser.atIssuer()
    expect(problem(await browser.post(identities, { password: 'not this one' }, accessToken))).toEqual({
      status: 401,
      code: 'WrongCredentials',
    })
    expect(problem(await browser.post(identities, {}, accessToken))).toEqual({ status: 401, code: 'WrongCredentials' })
    const linked = await browser.post(identities, { password: PASSWORD }, accessToken)
    expect(linked.status).toBe(201)
    expect(linked.body).toMatchObject({ identities: [{ issuer: issuer.url, name: 'Studio account' }] })
    expect(linked.headers.get('set-cookie')).toMatch(/^__Host-bailiwick-login=; .*Max-Age=0$/)
    const other = person()
    await other.atIssuer()
    expect(session.parse((await other.open()).body).account).toEqual(account)

    const id = identityKey({ issuer: issuer.url, subject: ann.subject })
    expect((await ask('GET', identities, undefined, accessToken)).body).toMatchObject({ identities: [{ id }] })
    const remove = (password: string) => ask('POST', `${identities}/${id}/removal`, { password }, accessToken)
    expect(problem(await remove('not this one'))).toEqual({ status: 401, code: 'WrongCredentials' })
    expect((await remove(PASSWORD)).status).toBe(204)
    expect(problem(await remove(PASSWORD))).toEqual({ status: 404, code: 'IdentityUnknown' })
    await other.atIssuer()
    expect((await other.identify()).account).toBeNull()
  })

  test.each(['', '/'])('shows the name of an issuer that calls itself by its URL with %j at the end', async (end) => {
    const port = await freePort()
    const issuer = await startHostileIssuer()
    issuer.description = { issuer: `${issuer.url}${end}` }
    const { person, player, url } = await worldWith(
      [settingsFor({ url: issuer.url, ...CLIENT }, port)],
      port,
      {},
      { callDeadlineMs: PATIENT },
    )
    const { accessToken } = await player('Bob')
    const browser = person()
    const begun = await browser.browser.ask(`${url}/v1/oidc/studio/login`)
    const query = new URL(begun.headers.get('location') ?? '').searchParams
    const iss = `${issuer.url}${end}`
    const claims = { ...goodClaims(issuer, query.get('nonce') ?? ''), iss }
    issuer.idToken = await signed(claims, issuer.key, { alg: 'ES256', kid: 'k' })
    const back = new URLSearchParams({ code: 'c', state: query.get('state') ?? '', iss })
    await browser.browser.ask(`${url}/v1/oidc/studio/callback?${back}`)
    const linked = await browser.post(identities, { password: PASSWORD }, accessToken)
    expect(linked.body).toMatchObject({ identities: [{ issuer: iss, name: 'Studio account' }] })
  })

  test('does not get a login that opens another one', async () => {
    const { issuer, person, player } = await worldWithIssuer()
    issuer.person = ann
    const first = person()
    await first.atIssuer()
    await first.open({ name: 'Ann' })
    const { accessToken } = await player('Bob')
    await first.atIssuer()
    expect(problem(await first.post(identities, { password: PASSWORD }, accessToken))).toEqual({ status: 409, code: 'IdentityTaken' })
  })

  test('without a password is not opened wide by a browser that is logged in at the issuer: that shows nobody', async () => {
    const { issuer, person, ask } = await worldWithIssuer()
    issuer.person = ann
    const player = person()
    await player.atIssuer()
    await player.open({ name: 'Ann' })
    // Somebody found the browser open: the issuer sends it back and asks nobody.
    await player.atIssuer()
    expect(issuer.asked).toBe(1)
    const { accessToken } = session.parse((await player.open()).body)
    expect(problem(await ask('POST', '/v1/accounts/current/deletion', {}, accessToken))).toEqual({ status: 403, code: 'LoginTooOld' })
    await player.atIssuer(FRESH)
    expect(issuer.asked).toBe(2)
    const fresh = session.parse((await player.open()).body)
    expect((await ask('POST', '/v1/accounts/current/deletion', {}, fresh.accessToken)).status).toBe(204)
  })

  test('without a password keeps its last login, and asks for a fresh one before a password is set or it is deleted', async () => {
    const { issuer, person, clock, ask, login, store } = await worldWithIssuer()
    issuer.person = ann
    const player = person()
    await player.atIssuer(FRESH)
    const { accessToken, account, refreshToken } = session.parse((await player.open({ name: 'Ann' })).body)
    const id = identityKey({ issuer: issuer.url, subject: ann.subject })
    expect(problem(await ask('POST', `${identities}/${id}/removal`, {}, accessToken))).toEqual({ status: 409, code: 'LastLogin' })
    expect((await ask('GET', '/v1/accounts/current', undefined, accessToken)).body).toMatchObject({ account: { hasPassword: false } })
    expect(problem(await login('Ann', ''))).toEqual({ status: 401, code: 'WrongCredentials' })

    // A renewal is no login.
    clock.advance(FRESH_LOGIN / 2)
    const first = session.parse((await ask('POST', '/v1/sessions/refresh', { refreshToken })).body)
    expect(problem(await ask('POST', `${identities}/${id}/removal`, {}, first.accessToken))).toEqual({ status: 409, code: 'LastLogin' })
    clock.advance(FRESH_LOGIN / 2 + 1_000)
    const renewed = session.parse((await ask('POST', '/v1/sessions/refresh', { refreshToken: first.refreshToken })).body)
    for (const [path, body] of [
      ['/v1/accounts/current/password', { newPassword: 'a new pass word' }],
      ['/v1/accounts/current/deletion', {}],
      [`${identities}/${id}/removal`, {}],
    ] as const) {
      expect(problem(await ask('POST', path, body, renewed.accessToken)), path).toEqual({ status: 403, code: 'LoginTooOld' })
    }
    await player.atIssuer(FRESH)
    const fresh = session.parse((await player.open()).body)
    const set = await ask('POST', '/v1/accounts/current/password', { newPassword: 'a new pass word' }, fresh.accessToken)
    const { accessToken: last } = session.parse(set.body)
    expect((await login('Ann', 'a new pass word')).status).toBe(201)
    // Now that there is a password it is asked for.
    expect(problem(await ask('POST', '/v1/accounts/current/deletion', {}, last))).toEqual({ status: 401, code: 'WrongCredentials' })
    expect((await ask('POST', '/v1/accounts/current/deletion', { password: 'a new pass word' }, last)).status).toBe(204)
    expect(await identityHolder(store, id)).toBeUndefined()
    // The same login makes a new account.
    await player.atIssuer()
    expect(session.parse((await player.open({ name: 'Ann' })).body).account.id).not.toBe(account.id)
  })

  test('that is erased leaves nothing of its login', async () => {
    const { issuer, person, clock, store } = await worldWithIssuer()
    issuer.person = ann
    const player = person()
    await player.atIssuer()
    const { account } = session.parse((await player.open({ name: 'Ann' })).body)
    await deleteAccount({ store, clock }, account.id)
    const failed = (_: string, error: unknown): void => {
      throw error
    }
    expect(await eraseDeleted({ store, clock }, failed)).toBe(1)
    expect(await store.read(chains.account(account.id), 1, 10)).toMatchObject([{ kind: 'erased', data: {} }])
    const key = identityKey({ issuer: issuer.url, subject: ann.subject })
    expect(await store.read(chains.identity(key), 1, 10)).toMatchObject([{ kind: 'freed', data: {} }])
  })
})
