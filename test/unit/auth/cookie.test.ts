import { describe, expect, test } from 'vitest'
import { REFRESH_GRACE } from '../../../core/timing.ts'
import { PASSWORD, problem, stage } from './stage.ts'

const own = { 'x-bailiwick-page': '1', 'sec-fetch-site': 'same-origin' }

async function inBrowser() {
  const world = await stage()
  await world.register('Ann')
  const login = (headers: Readonly<Record<string, string>>) =>
    world.ask('POST', '/v1/sessions', { name: 'Ann', password: PASSWORD, refreshIn: 'cookie' }, undefined, headers)
  const answer = await login(own)
  const setCookie = answer.headers.get('set-cookie') ?? ''
  const cookie = setCookie.split(';')[0] ?? ''
  const refresh = (headers: Readonly<Record<string, string>>) => world.ask('POST', '/v1/sessions/refresh', {}, undefined, headers)
  return { ...world, login, answer, setCookie, cookie, refresh }
}

describe('a browser', () => {
  test("keeps the refresh token where no script, sub-domain or other site's page can use it", async () => {
    const { answer, setCookie } = await inBrowser()
    expect(answer.status).toBe(201)
    expect(answer.body).not.toHaveProperty('refreshToken')
    expect(setCookie).toMatch(/^__Host-bailiwick-refresh=[\w.-]{66}; Path=\/; Secure; HttpOnly; SameSite=Strict; Max-Age=2592000$/)
  })

  test('renews by its cookie, which changes each time; the one before ends the session', async () => {
    const { refresh, cookie, clock } = await inBrowser()
    const renewed = await refresh({ ...own, cookie })
    expect(renewed.status).toBe(200)
    const next = renewed.headers.get('set-cookie')?.split(';')[0] ?? ''
    expect(next).not.toBe(cookie)
    clock.advance(REFRESH_GRACE)
    expect(problem(await refresh({ ...own, cookie })).code).toBe('RefreshReused')
    expect(problem(await refresh({ ...own, cookie: next })).code).toBe('SessionEnded')
  })

  test.each<[string, Record<string, string>]>([
    ["without the header that only one's own page can send", { 'sec-fetch-site': 'same-origin' }],
    ['from another site', { ...own, 'sec-fetch-site': 'cross-site' }],
    ['from a sister of the same site', { ...own, 'sec-fetch-site': 'same-site' }],
    ['typed into the address line', { ...own, 'sec-fetch-site': 'none' }],
    ['of another origin, from a browser that says no more', { 'x-bailiwick-page': '1', origin: 'https://evil.example' }],
    ['of a page without origin', { 'x-bailiwick-page': '1', origin: 'null' }],
  ])('is not served %s', async (_, headers) => {
    const { refresh, login, cookie, ask } = await inBrowser()
    expect(problem(await refresh({ ...headers, cookie }))).toEqual({ status: 403, code: 'CrossSite' })
    expect(problem(await login(headers))).toEqual({ status: 403, code: 'CrossSite' })
    // The cookie alone is good for nothing else.
    expect(problem(await ask('DELETE', '/v1/sessions', undefined, undefined, { ...own, cookie })).code).toBe('Unauthenticated')
    expect((await refresh({ ...own, cookie })).status).toBe(200)
  })

  test('with two cookies of that name, one of which was planted, is asked to log in', async () => {
    const { refresh, cookie } = await inBrowser()
    expect(problem(await refresh({ ...own, cookie: `${cookie}; ${cookie}x` })).code).toBe('SessionEnded')
    expect(problem(await refresh(own)).code).toBe('SessionEnded')
  })

  test('that logs in again ends the session that it had: nobody but a thief has its token any more', async () => {
    const { login, refresh, cookie, ask, loggedIn } = await inBrowser()
    const elsewhere = await loggedIn('Ann')
    const again = await login({ ...own, cookie })
    expect(again.status).toBe(201)
    expect(problem(await refresh({ ...own, cookie })).code).toBe('SessionEnded')
    const next = again.headers.get('set-cookie')?.split(';')[0] ?? ''
    const renewed = await refresh({ ...own, cookie: next })
    expect(renewed.status).toBe(200)
    const listed = await ask('GET', '/v1/sessions', undefined, String(renewed.body['accessToken']))
    expect(listed.body['sessions']).toHaveLength(2)
    expect((await ask('GET', '/v1/accounts/current', undefined, elsewhere.accessToken)).status).toBe(200)
  })

  test('that asks again to log in, because it heard nothing, keeps the session that it may have by then', async () => {
    const { login, refresh, cookie } = await inBrowser()
    const keyed = { ...own, 'idempotency-key': 'a-key-of-1' }
    const cookieOf = (answer: Awaited<ReturnType<typeof login>>) => answer.headers.get('set-cookie')?.split(';')[0] ?? ''
    const first = cookieOf(await login({ ...keyed, cookie }))
    const second = cookieOf(await login({ ...keyed, cookie: first }))
    expect((await refresh({ ...own, cookie: second })).status).toBe(200)
  })

  test('ends no session by a cookie that was never its token, nor by two', async () => {
    const { login, refresh, cookie } = await inBrowser()
    const forged = cookie.replace(/\..*$/, `.${'A'.repeat(43)}`)
    for (const shown of [forged, `${cookie}; ${cookie}`, '__Host-bailiwick-refresh=x'])
      expect((await login({ ...own, cookie: shown })).status).toBe(201)
    expect((await refresh({ ...own, cookie })).status).toBe(200)
  })

  test('that logs out loses the cookie', async () => {
    const { answer, ask } = await inBrowser()
    const gone = await ask('DELETE', '/v1/sessions/current', undefined, String(answer.body['accessToken']))
    expect(gone.headers.get('set-cookie')).toBe('__Host-bailiwick-refresh=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0')
  })
})
