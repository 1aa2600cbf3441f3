import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { runCommand } from '../../../client/command/run.ts'
import { createClient } from '../../../client/index.ts'
import { PASSWORD, stage } from './stage.ts'

async function world() {
  const { served, register } = await stage()
  await register('Ann')
  const urls = { authUrl: served.url, charactersUrl: served.url, allocatorUrl: served.url }
  return { url: served.url, urls, register, open: () => createClient(urls) }
}

test('a client sees its logins, ends one, changes the password, and deletes the account', async () => {
  const { open } = await world()
  const [desk, phone] = [open(), open()]
  await desk.login('Ann', PASSWORD)
  await phone.login('Ann', PASSWORD)
  const logins = await desk.sessions.list()
  expect(logins.map(({ current }) => current).toSorted()).toEqual([false, true])
  await desk.sessions.revoke(logins.find(({ current }) => !current)?.id ?? '')
  await expect(phone.refresh()).rejects.toMatchObject({ code: 'SessionEnded' })
  await expect(desk.changePassword('not this one', 'a new pass word')).rejects.toMatchObject({ code: 'WrongCredentials' })
  await desk.changePassword(PASSWORD, 'a new pass word')
  expect(await desk.sessions.list()).toHaveLength(1)
  await phone.login('Ann', 'a new pass word')
  await phone.sessions.revokeAll()
  expect(await phone.account()).toBeUndefined()
  await expect(desk.refresh()).rejects.toMatchObject({ code: 'SessionEnded' })
  await desk.login('Ann', 'a new pass word')
  await desk.deleteAccount('a new pass word')
  expect(await desk.account()).toBeUndefined()
  await expect(desk.login('Ann', 'a new pass word')).rejects.toMatchObject({ code: 'WrongCredentials' })
})

test('a client whose renewal got no answer goes on with its session when it asks again', async () => {
  const { urls } = await world()
  let lost = 0
  const ask = async (url: string, init: RequestInit): Promise<Response> => {
    const response = await fetch(url, init)
    if (!url.endsWith('/refresh') || lost === 2) return response
    // The service has done it, and nobody hears of it.
    lost += 1
    throw new TypeError('the network is gone')
  }
  const client = createClient({ ...urls, fetch: ask })
  await client.login('Ann', PASSWORD)
  for (let k = 0; k < 2; k++) await expect(client.refresh()).rejects.toMatchObject({ code: 'Unreachable' })
  await client.refresh()
  await client.refresh()
  expect(lost).toBe(2)
  expect(await client.sessions.list()).toHaveLength(1)
})

/** What a browser does with the cookie: its pages share it. */
function browser() {
  let jar: string | undefined
  const ask = async (url: string, init: RequestInit): Promise<Response> => {
    const headers = new Headers(init.headers)
    if (jar !== undefined) headers.set('cookie', jar)
    headers.set('sec-fetch-site', 'same-origin')
    const response = await fetch(url, { ...init, headers })
    const set = response.headers.get('set-cookie')
    if (set !== null) jar = set.includes('Max-Age=0') ? undefined : set.split(';')[0]
    return response
  }
  return { ask, cookie: () => jar }
}

test('a page keeps its login in the cookie alone, and goes on with it after a reload', async () => {
  const { urls } = await world()
  const { ask, cookie } = browser()
  const page = () => createClient({ ...urls, fetch: ask, refreshIn: 'cookie' })
  const first = page()
  expect(await first.resume()).toBeUndefined()
  await first.login('Ann', PASSWORD)
  const reloaded = page()
  expect(await reloaded.account()).toBeUndefined()
  expect(await reloaded.resume()).toMatchObject({ name: 'Ann' })
  await reloaded.refresh()
  expect(await reloaded.sessions.list()).toHaveLength(1)
  await reloaded.logout()
  expect(cookie()).toBeUndefined()
  expect(await page().resume()).toBeUndefined()
})

test('a page whose cookie another tab has made another account’s is logged out, and does not become that account', async () => {
  const { urls, register } = await world()
  await register('Bob')
  const { ask } = browser()
  const page = () => createClient({ ...urls, fetch: ask, refreshIn: 'cookie' })
  const [first, second] = [page(), page()]
  await first.login('Ann', PASSWORD)
  await second.login('Bob', PASSWORD)
  await expect(first.refresh()).rejects.toMatchObject({ code: 'SessionEnded' })
  expect(await first.account()).toBeUndefined()
  await second.refresh()
  expect(await second.account()).toMatchObject({ name: 'Bob' })
  expect(await second.sessions.list()).toHaveLength(1)
})

test('a page whose other tab logs in anew, with the same account, goes on with that login', async () => {
  const { urls } = await world()
  const { ask } = browser()
  const page = () => createClient({ ...urls, fetch: ask, refreshIn: 'cookie' })
  const [first, second] = [page(), page()]
  await first.login('Ann', PASSWORD)
  await second.login('Ann', PASSWORD)
  expect(await first.sessions.list()).toHaveLength(1)
  await second.refresh()
  expect(await first.sessions.list()).toHaveLength(1)
  await second.logout()
  await expect(first.sessions.list()).rejects.toMatchObject({ code: 'SessionEnded' })
  expect(await first.account()).toBeUndefined()
})

test('the command line does the same', async () => {
  const { url } = await world()
  const folder = mkdtempSync(join(tmpdir(), 'bailiwick-client-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const run = async (command: string, input: readonly string[] = []) => {
    const said: string[] = []
    const terminal = {
      out: (line: string) => void said.push(line),
      err: (line: string) => void said.push(line),
      async *lines() {
        yield* input
      },
      interrupted: new AbortController().signal,
    }
    const code = await runCommand([...command.split(' '), '--url', url], { XDG_CONFIG_HOME: folder }, terminal)
    return { code, said: said.join('\n') }
  }
  expect(await run('login Ann', [PASSWORD])).toMatchObject({ code: 0 })
  const listed = await run('sessions')
  expect(listed.said).toContain('this one')
  expect(await run('password', [PASSWORD])).toMatchObject({ code: 1 })
  expect(await run('password', ['wrong', 'a new pass word'])).toMatchObject({
    code: 1,
    said: expect.stringContaining('Name or password is wrong'),
  })
  expect(await run('password', [PASSWORD, 'a new pass word'])).toMatchObject({ code: 0, said: expect.stringContaining('changed') })
  expect(await run('revoke AAAAAAAAAAAAAAAAAAAAAA')).toMatchObject({ code: 1, said: expect.stringContaining('no such session') })
  expect(await run('revoke all')).toMatchObject({ code: 0 })
  expect(await run('sessions')).toMatchObject({ code: 1 })
  expect(await run('login Ann', ['a new pass word'])).toMatchObject({ code: 0 })
  expect(await run('delete-account', ['a new pass word'])).toMatchObject({ code: 0, said: expect.stringContaining('deleted') })
})
