import type { Request, RequestHandler, Response } from 'express'
import type { Clock } from '../../core/clock.ts'
import { systemClock } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { HTTP_REQUEST_DEADLINE } from '../../core/timing.ts'
import type { Metrics } from '../metrics/index.ts'
import type { RequestCare, RequestMeters } from './context.ts'
import { beginRequest, contextOf } from './context.ts'
import { Deadlines } from './deadlines.ts'
import { setCommonHeaders, writeHead } from './head.ts'
import type { OpenApiInfo, RouteDescription } from './openapi.ts'
import { openApiDocument } from './openapi.ts'
import type { RateOptions } from './rate-limit.ts'
import { createRateLimit, standardRate } from './rate-limit.ts'
import { Prepared, sendPrepared, sendProblem } from './reply.ts'
import { isUnreadable } from './target.ts'

export interface EntranceOptions {
  readonly name: string
  readonly log: Log
  readonly metrics: Metrics
  /** Rejects while the service can't do its work: what /readyz answers. */
  readonly ready: () => Promise<void>
  readonly openapi?: OpenApiInfo
  /** /metrics answers on this app; default true. False when there is an internal port for it. */
  readonly exposeMetrics?: boolean
  /** Per address; 'none' for internal ports. */
  readonly rate?: RateOptions | 'none'
  /** How many reverse proxies stand in front and write X-Forwarded-For; default 0: the header is not believed. */
  readonly trustedProxies?: number
  /** A request that takes longer is answered with Timeout. Default: HTTP_REQUEST_DEADLINE. */
  readonly deadlineMs?: number
  readonly clock?: Clock
}

interface Inside {
  readonly meters: RequestMeters
  readonly stopping: AbortSignal
  /** For the document: routes that are added later are in it. */
  readonly described: readonly RouteDescription[]
}

/** What every request passes first, as one step, since each step costs: its context, the probes, the rate of its address. */
export function entrance(options: EntranceOptions & Inside): RequestHandler {
  const clock = options.clock ?? systemClock
  const care: RequestCare = {
    log: options.log,
    meters: options.meters,
    deadlines: new Deadlines(options.deadlineMs ?? HTTP_REQUEST_DEADLINE),
    stopping: options.stopping,
    refuse: sendProblem,
  }
  const probes = probesOf(options)
  const take = options.rate === 'none' ? undefined : createRateLimit(options.rate ?? standardRate, clock)
  const addressOf = addressReader(options.trustedProxies ?? 0)
  return (request, response, next) => {
    beginRequest(request, response, care)
    const { path } = request
    const isAsked = isNamed(request) && (request.method === 'GET' || request.method === 'HEAD')
    const probe = isAsked ? probes.get(path) : undefined
    if (probe?.unlimited === true) return probe.answer(request, response)
    const waitMs = take?.(addressOf(request)) ?? 0
    if (waitMs > 0) throw new BailiwickError('TooManyRequests', { todo: 'send fewer of them', retryAfterMs: waitMs })
    if (isUnreadable(request)) throw new BailiwickError('InvalidInput', { asked: 'an address that can not be read' })
    if (!isNamed(request))
      throw new BailiwickError('InvalidInput', { asked: 'headers', found: 'no Host', todo: 'send one (RFC 9112, 3.2)' })
    return probe === undefined ? next() : probe.answer(request, response)
  }
}

interface Probe {
  /** Asked as often as machines like: its answer costs next to nothing, or is shared. */
  readonly unlimited: boolean
  readonly answer: (request: Request, response: Response) => void | Promise<void>
}

/** What each application answers of itself, by path. */
function probesOf(options: EntranceOptions & Inside): ReadonlyMap<string, Probe> {
  const probes = new Map<string, Probe>()
  const add = (path: string, unlimited: boolean, answer: Probe['answer']): void => {
    const named = (request: Request, response: Response) => {
      contextOf(request).route = path
      return answer(request, response)
    }
    probes.set(path, { unlimited, answer: named })
  }
  add('/livez', true, (request, response) => sendJson(request, response, { status: 'ok' }))
  // Shared by all who ask meanwhile: probes must not become load.
  let asking: Promise<void> | undefined
  add('/readyz', true, async (request, response) => {
    if (options.stopping.aborted)
      throw new BailiwickError('Busy', { todo: 'this instance is stopping, ask another one', retryAfterMs: 1_000 })
    asking ??= options.ready().finally(() => {
      asking = undefined
    })
    await asking
    sendJson(request, response, { status: 'ok' })
  })
  // Made anew only when a route was added since: it is long, and anybody may ask for it. As bytes, which all answers that are not taken yet share.
  let document = { routes: -1, bytes: Buffer.alloc(0) }
  add('/openapi.json', false, (request, response) => {
    if (document.routes !== options.described.length) {
      const made = openApiDocument(options.openapi ?? { title: `Bailiwick ${options.name}` }, options.described)
      document = { routes: options.described.length, bytes: Buffer.from(JSON.stringify(made)) }
    }
    writeHead(request, response, { status: 200, headers: {}, length: document.bytes.length })
    response.end(document.bytes)
  })
  if (options.exposeMetrics === false) return probes
  add('/metrics', true, async (request, response) => {
    const text = await options.metrics.text()
    setCommonHeaders(request, response)
    response.setHeader('content-type', options.metrics.contentType)
    response.send(text)
  })
  return probes
}

/** A request of HTTP/1.1 must say to which host. */
function isNamed({ httpVersion, headers }: Request): boolean {
  return headers.host !== undefined || httpVersion !== '1.1'
}

/** Of the client, as far as proxies are trusted. */
function addressReader(trustedProxies: number): (request: Request) => string {
  if (trustedProxies > 0) return (request) => request.ip ?? 'unknown'
  return (request) => request.socket.remoteAddress ?? 'unknown'
}

function sendJson(request: Request, response: Response, body: object): void {
  sendPrepared(request, response, new Prepared(200, {}, JSON.stringify(body)))
}
