import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Endpoint } from '../../../platform/kubernetes/plain-endpoint.ts'
import type { Strikes } from './strikes.ts'
import { forwardWatch } from './watch-faults.ts'

export interface Asked {
  readonly method: string
  readonly url: URL
  readonly body: Buffer
  /** `zones`, `fleets`, … */
  readonly plural: string
  readonly label: string
}

/** What a run did to the cluster, by kind, as the API server confirmed it. Events are a courtesy and not counted. */
export interface Done {
  readonly creates: Record<string, number>
  readonly deletes: Record<string, number>
}

export interface ProxyOptions {
  readonly upstream: Endpoint
  readonly strikes: Strikes
  readonly done: Done
  /** The operator is to die, now: nothing of it gets through any more. */
  readonly onCrash: () => void
}

/** Written when it is time, not because of anything that a plan does: neither disturbed nor counted. */
const COURTESIES: ReadonlySet<string> = new Set(['events', 'leases'])
const HEADERS = ['content-type', 'retry-after'] as const

/** The way of one operator, in one of its lives, to the API server. Faults come as the plan says. */
export class ApiProxy {
  readonly #options: ProxyOptions
  readonly #server = http.createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy())
  })
  readonly #sockets = new Set<Socket>()
  readonly #lists = new Map<string, Buffer>()
  readonly #over = new AbortController()
  /** Watches that are to be told 410 as they begin. */
  gone = 0

  constructor(options: ProxyOptions) {
    this.#options = options
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** As when the process at the other end was killed. */
  cut(): void {
    this.#over.abort()
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  get signal(): AbortSignal {
    return this.#over.signal
  }

  crash(): void {
    this.cut()
    this.#options.onCrash()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const url = new URL(request.url ?? '/', 'http://proxy')
    const { plural, name } = read(url)
    const method = request.method ?? 'GET'
    const asked: Asked = { method, url, body: Buffer.concat(chunks), plural, label: `${method} ${plural} ${name}` }
    const headers = { 'content-type': request.headers['content-type'] ?? 'application/json' }
    if (COURTESIES.has(plural)) await this.#pass(asked, headers, response)
    else if (method !== 'GET') await this.#write(asked, headers, response)
    else if (url.searchParams.get('watch') === 'true') await this.#watch(asked, response)
    else await this.#read(asked, response)
  }

  async #write(asked: Asked, headers: Record<string, string>, response: ServerResponse): Promise<void> {
    const strike = this.#options.strikes.next('write', asked.label)
    switch (strike?.what) {
      case 'crash-before':
        return this.crash()
      case 'conflict':
        return refuse(response, 409, 'the object has been modified')
      case 'throttled':
        return refuse(response, 429, 'too many requests', 1)
      case 'error-before':
        return refuse(response, 500, 'etcdserver: leader changed')
      case 'reset-before':
        return void response.socket?.resetAndDestroy()
      case 'silent-before':
        return this.#hang(response)
      case 'late':
        await delay(strike.ms)
    }
    const answer = await this.#ask(asked, headers)
    this.#count(asked, answer.status)
    switch (strike?.what) {
      case 'crash-after':
        return this.crash()
      case 'error-after':
        return refuse(response, 504, 'etcdserver: request timed out')
      case 'reset-after':
        return void response.socket?.resetAndDestroy()
      case 'silent-after':
        return this.#hang(response)
      case 'truncated':
        return truncate(response, answer)
    }
    give(response, answer)
  }

  async #read(asked: Asked, response: ServerResponse): Promise<void> {
    const strike = this.#options.strikes.next('read', asked.label)
    const key = asked.url.pathname
    switch (strike?.what) {
      case 'throttled':
        return refuse(response, 429, 'too many requests', 1)
      case 'error':
        return refuse(response, 503, 'apiserver is shutting down')
      case 'gone':
        return refuse(response, 410, 'the provided continue parameter is too old')
      case 'reset':
        return void response.socket?.resetAndDestroy()
      case 'silent':
        return this.#hang(response)
      case 'late':
        await delay(strike.ms)
    }
    const answer = await this.#ask(asked, {})
    const before = this.#lists.get(key)
    if (answer.status === 200) this.#lists.set(key, answer.body)
    if (strike?.what === 'truncated') return truncate(response, answer)
    give(response, strike?.what === 'stale' && before !== undefined ? { ...answer, body: before } : answer)
  }

  async #watch(asked: Asked, response: ServerResponse): Promise<void> {
    if (this.gone > 0) {
      this.gone -= 1
      return refuse(response, 410, 'too old resource version')
    }
    const upstream = await this.#open(asked, {})
    if (upstream.statusCode !== 200) return give(response, await whole(upstream))
    await forwardWatch(upstream, response, asked, this.#options.strikes, this)
  }

  async #pass(asked: Asked, headers: Record<string, string>, response: ServerResponse): Promise<void> {
    give(response, await this.#ask(asked, headers))
  }

  /** Neither an answer nor an end, until the other side gives up. */
  #hang(response: ServerResponse): Promise<void> {
    return new Promise((resolve) => response.on('close', resolve))
  }

  async #ask(asked: Asked, headers: Record<string, string>): Promise<Answer> {
    return whole(await this.#open(asked, headers))
  }

  async #open({ method, url, body }: Asked, own: Record<string, string>): Promise<IncomingMessage> {
    const { upstream } = this.#options
    const { headers, ...options } = await upstream.options()
    const all: Record<string, string> = { ...own, accept: 'application/json', ...(headers as Record<string, string>) }
    if (body.length > 0) all['content-length'] = String(body.length)
    // A write that is under way takes effect also when the one who asked is gone.
    const signal = method === 'GET' ? { signal: this.#over.signal } : {}
    const call = https.request(new URL(url.pathname + url.search, upstream.base), { ...options, method, headers: all, ...signal })
    const answered = new Promise<IncomingMessage>((resolve, reject) => call.on('response', resolve).on('error', reject))
    call.end(body)
    return answered
  }

  #count({ method, plural }: Asked, status: number): void {
    const { creates, deletes } = this.#options.done
    if (status === 201) creates[plural] = (creates[plural] ?? 0) + 1
    if (method === 'DELETE' && status < 300) deletes[plural] = (deletes[plural] ?? 0) + 1
  }
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

async function whole(message: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk)
  const headers = Object.fromEntries(
    HEADERS.flatMap((name) => (typeof message.headers[name] === 'string' ? [[name, message.headers[name]]] : [])),
  )
  return { status: message.statusCode ?? 502, headers, body: Buffer.concat(chunks) }
}

function give(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': body.length }).end(body)
}

/** The whole length is announced, half of it comes. */
function truncate(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': body.length })
  response.write(body.subarray(0, body.length >> 1), () => response.destroy())
}

function refuse(response: ServerResponse, code: number, message: string, retryAfter?: number): void {
  const headers = { 'content-type': 'application/json', ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }) }
  response.writeHead(code, headers).end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message }))
}

function read(url: URL): { plural: string; name: string } {
  const parts = url.pathname.split('/').filter((part) => part !== '')
  const rest = parts[0] === 'api' ? parts.slice(2) : parts.slice(3)
  const [plural = '', ...name] = rest[0] === 'namespaces' && rest.length > 2 ? rest.slice(2) : rest
  return { plural, name: name.join('/') }
}
