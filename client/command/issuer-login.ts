import { spawn } from 'node:child_process'
import { CLIENT_BROWSER_LOGIN_LIMIT } from '../../core/timing.ts'
import type { Account, Client } from '../index.ts'
import { loginInBrowser } from '../loopback.ts'
import type { Terminal } from './terminal.ts'

/** How to go there. */
export interface Going {
  /** Also whoever is logged in there already is to log in again. */
  readonly fresh?: boolean
  readonly openBrowser?: typeof openInSystemBrowser
}

/** Logs in at an issuer through the system's browser, and asks for a name where that makes an account. Throws what went wrong. */
export async function loginAtIssuer(
  client: Client,
  issuer: string,
  terminal: Terminal,
  { fresh = false, openBrowser = openInSystemBrowser }: Going = {},
): Promise<Account> {
  const open = (url: string): void => {
    terminal.err(`Log in in the browser. If none opens, go to:\n${url}`)
    openBrowser(url, (why) => terminal.err(`no browser was opened: ${why}`))
  }
  const { account, suggestedName, proof } = await loginInBrowser(client, issuer, {
    open,
    signal: terminal.interrupted,
    deadlineMs: CLIENT_BROWSER_LOGIN_LIMIT,
    fresh,
  })
  const known = proof === undefined ? {} : { proof }
  if (account !== null) return client.issuers.login(known)
  terminal.err(suggestedName === null ? 'the name of your new account:' : `the name of your new account (nothing for ${suggestedName}):`)
  for await (const line of terminal.lines(terminal.interrupted)) {
    return client.issuers.login({ ...known, name: line.trim() === '' ? (suggestedName ?? '') : line.trim() })
  }
  return client.issuers.login({ ...known, ...(suggestedName === null ? {} : { name: suggestedName }) })
}

/** How each system opens an address; the address is an argument, and no shell reads it. */
const openers: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

function openInSystemBrowser(url: string, failed: (why: string) => void): void {
  const [command, ...args] = openers[process.platform] ?? ['xdg-open']
  const child = spawn(command, [...args, url], { stdio: 'ignore', detached: true })
  child.on('error', (error) => failed(error.message))
  child.unref()
}
