import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { BailiwickError } from '../core/errors.ts'
import type { Identified } from './answers.ts'
import type { Client } from './client.ts'
import type { IssuerLoginOptions } from './issuers.ts'

export interface BrowserLoginOptions extends IssuerLoginOptions {
  /** Shows the address to the player, and opens it in the system's browser. */
  readonly open: (url: string) => void
  /** Aborts when the player has given up. */
  readonly signal?: AbortSignal
  readonly deadlineMs: number
}

/**
 * Logs in at an issuer through the system's browser (RFC 8252): listens on a port of this machine until the browser comes back, and answers who logged in, with a proof for `client.issuers.login`. Node alone.
 * Throws what went wrong at the issuer; Timeout; the signal's reason.
 */
export async function loginInBrowser(
  client: Client,
  issuer: string,
  { open, signal, deadlineMs, fresh = false }: BrowserLoginOptions,
): Promise<Identified> {
  const came = Promise.withResolvers<URLSearchParams>()
  let state: string | undefined
  const server = createServer((request, response) => {
    const asked = `http://127.0.0.1${request.url ?? '/'}`
    const url = new URL(URL.canParse(asked) ? asked : 'http://127.0.0.1/')
    // Any page that the player has open may ask the ports of this machine: what does not know the state ends nothing.
    const isIt = request.method === 'GET' && url.pathname === '/back' && state !== undefined && url.searchParams.get('state') === state
    answer(response, isIt ? 200 : 404)
    if (isIt) came.resolve(url.searchParams)
  }).listen(0, '127.0.0.1')
  const deadline = AbortSignal.timeout(deadlineMs)
  const over = signal === undefined ? deadline : AbortSignal.any([deadline, signal])
  const giveUp = (): void => {
    came.reject(
      deadline.aborted ? new BailiwickError('Timeout', { found: 'nobody came back from the issuer', todo: 'log in again' }) : over.reason,
    )
  }
  // It may come to an end before anybody waits for it.
  came.promise.catch(() => undefined)
  over.addEventListener('abort', giveUp)
  if (over.aborted) giveUp()
  try {
    await once(server, 'listening')
    const address = server.address()
    if (typeof address !== 'object' || address === null) throw new BailiwickError('Internal', { found: 'a server without port' })
    const begun = await client.issuers.begin(issuer, `http://127.0.0.1:${address.port}/back`, { fresh })
    state = begun.state
    open(begun.url)
    return await client.issuers.finish(begun, await came.promise)
  } finally {
    over.removeEventListener('abort', giveUp)
    server.close()
    server.closeAllConnections()
  }
}

function answer(response: ServerResponse, status: 200 | 404): void {
  const head = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': "default-src 'none'", connection: 'close' }
  response.writeHead(status, head)
  response.end(status === 200 ? '<!doctype html><title>Bailiwick</title><p>You can close this window and go back to the game.</p>' : '')
}
