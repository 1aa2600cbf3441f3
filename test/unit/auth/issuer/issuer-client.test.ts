import { expect, test } from 'vitest'
import { loginAtIssuer } from '../../../../client/command/issuer-login.ts'
import { runCommand } from '../../../../client/command/run.ts'
import { createClient } from '../../../../client/index.ts'
import { loginInBrowser } from '../../../../client/loopback.ts'
import { PASSWORD } from '../stage.ts'
import { Browser } from './browser.ts'
import { worldWithIssuer } from './world.ts'

async function world() {
  const given = await worldWithIssuer()
  given.issuer.person = { subject: '1', claims: { preferred_username: 'Ann Bonny' } }
  const { url, issuer } = given
  const urls = { authUrl: url, charactersUrl: url, allocatorUrl: url }
  const known = new Set([new URL(url).origin, new URL(issuer.url).origin])
  /** The system's browser: goes to the issuer and comes back to the game; what the game answers there. */
  const inBrowser = async (address: string): Promise<Response> => {
    const browser = new Browser()
    return browser.ask((await browser.go(address, (at) => !known.has(at.origin))).href)
  }
  return { ...given, urls, open: () => createClient(urls), inBrowser }
}

/** A terminal on which somebody writes `input`. */
function terminalWith(input: readonly string[]) {
  const said: string[] = []
  return {
    said,
    out: (line: string) => void said.push(line),
    err: (line: string) => void said.push(line),
    async *lines() {
      yield* input
    },
    interrupted: new AbortController().signal,
  }
}

test('the command line logs in through the browser, asks a new player for a name, and knows an old one', async () => {
  const { open, inBrowser } = await world()
  const client = open()
  expect(await client.issuers.list()).toEqual([{ id: 'studio', name: 'Studio account' }])
  const answers: Promise<Response>[] = []
  const opened = (url: string): void => void answers.push(inBrowser(url))
  const terminal = terminalWith([''])
  // Nothing was written: the suggestion is taken.
  expect(await loginAtIssuer(client, 'studio', terminal, { openBrowser: opened })).toMatchObject({ name: 'Ann_Bonny' })
  expect(terminal.said.join('\n')).toContain('nothing for Ann_Bonny')
  expect(await client.account()).toMatchObject({ name: 'Ann_Bonny' })
  expect(await client.profile()).toMatchObject({ name: 'Ann_Bonny', hasPassword: false })
  expect(await (await answers[0])?.text()).toContain('close this window')
  const second = terminalWith([])
  expect(await loginAtIssuer(open(), 'studio', second, { openBrowser: opened, fresh: true })).toMatchObject({ name: 'Ann_Bonny' })
  expect(second.said.join('\n')).not.toContain('name of your new account')
  expect(second.said.join('\n')).toContain('fresh=true')
})

test('a game links a login with an account, and takes it away again', async () => {
  const { open, inBrowser, register } = await world()
  await register('Bob')
  const client = open()
  await client.login('Bob', PASSWORD)
  const login = () =>
    loginInBrowser(open(), 'studio', { open: (url) => void inBrowser(url), deadlineMs: 60_000, signal: new AbortController().signal })
  const { proof = '' } = await login()
  await expect(client.issuers.link({ proof, password: 'not this one' })).rejects.toMatchObject({ code: 'WrongCredentials' })
  const [linked] = await client.issuers.link({ proof, password: PASSWORD })
  expect(linked).toMatchObject({ name: 'Studio account' })
  expect(await client.issuers.linked()).toEqual([linked])
  expect((await login()).account).toMatchObject({ name: 'Bob' })
  await client.issuers.unlink(linked?.id ?? '', PASSWORD)
  expect((await login()).account).toBeNull()
})

test('what comes to the game’s port and is no answer to its login ends nothing', async () => {
  const { open, inBrowser } = await world()
  const tried: Promise<unknown>[] = []
  const opened = (address: string): void => {
    const back = new URL(address).searchParams.get('redirectUri') ?? ''
    // Pages that the player has open may ask any port of this machine.
    const strange = [`${new URL(back).origin}/`, back, `${back}?code=x&state=another`, `${back}x?state=x`].map(async (url) =>
      expect((await fetch(url)).status).toBe(404),
    )
    tried.push(Promise.all(strange).then(() => inBrowser(address)))
  }
  const who = await loginInBrowser(open(), 'studio', { open: opened, deadlineMs: 60_000 })
  expect(who.suggestedName).toBe('Ann_Bonny')
  await Promise.all(tried)
})

test('one who gives up is told so; nobody who comes is told as that', async () => {
  const { open } = await world()
  const stop = new AbortController()
  const giveUp = loginInBrowser(open(), 'studio', { open: () => stop.abort(new Error('enough')), signal: stop.signal, deadlineMs: 60_000 })
  await expect(giveUp).rejects.toThrow('enough')
  const told = AbortSignal.abort(new Error('enough before'))
  await expect(loginInBrowser(open(), 'studio', { open: () => undefined, signal: told, deadlineMs: 60_000 })).rejects.toThrow(
    'enough before',
  )
  await expect(loginInBrowser(open(), 'studio', { open: () => undefined, deadlineMs: 20 })).rejects.toMatchObject({ code: 'Timeout' })
})

test('the command line takes a name or an issuer, and tells of one that there is not', async () => {
  const { url } = await world()
  const run = async (command: string) => {
    const terminal = terminalWith([])
    return { code: await runCommand([...command.split(' '), '--url', url], { XDG_CONFIG_HOME: '/nowhere' }, terminal), said: terminal.said }
  }
  expect((await run('login')).code).toBe(2)
  expect((await run('login Ann --issuer studio')).code).toBe(2)
})
