import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { KubernetesObject } from '../../../platform/kubernetes/objects.ts'

/** A real HTTP server on loopback that answers lists and watches as each test tells it to, also wrongly. A test double, not an API server. */
export class MisbehavingServer {
  readonly #server = http.createServer((request, response) => this.#answer(request, response))
  readonly requests: URL[] = []
  /** What each of them accepts. */
  readonly accepts: (string | undefined)[] = []
  /** Taken one by one; the last one stays. */
  lists: ((response: ServerResponse, url: URL) => void)[] = []
  watches: ((response: ServerResponse, url: URL) => void)[] = []
  other: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) => response.writeHead(404).end()

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://server')
    this.requests.push(url)
    this.accepts.push(request.headers.accept)
    const script = url.searchParams.get('watch') === 'true' ? this.watches : url.searchParams.has('limit') ? this.lists : undefined
    if (script === undefined) {
      this.other(request, response)
      return
    }
    const next = script.length > 1 ? script.shift() : script[0]
    if (next === undefined) response.writeHead(500).end()
    else next(response, url)
  }
}

export function object(name: string, version: number, extra: Record<string, unknown> = {}): KubernetesObject {
  return { metadata: { name, namespace: 'game', uid: `uid-${name}`, resourceVersion: String(version) }, ...extra }
}

export function page(items: readonly KubernetesObject[], version: number, next?: string): (response: ServerResponse) => void {
  return json(200, { metadata: { resourceVersion: String(version), ...(next === undefined ? {} : { continue: next }) }, items })
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): (response: ServerResponse) => void {
  return (response) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

export function event(type: string, value: unknown): string {
  return `${JSON.stringify({ type, object: value })}\n`
}

/** Writes the parts of a watch one after another and leaves it open, or ends or breaks it. */
export function events(parts: readonly (string | Buffer)[], then: 'open' | 'end' | 'break' = 'open'): (response: ServerResponse) => void {
  return async (response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    for (const part of parts) {
      response.write(part)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    if (then === 'end') response.end()
    if (then === 'break') response.socket?.resetAndDestroy()
  }
}
