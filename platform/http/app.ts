import type { RequestListener } from 'node:http'
import type { Express, NextFunction, Request, Response, Router } from 'express'
import express from 'express'
import type { Clock } from '../../core/clock.ts'
import { systemClock } from '../../core/clock.ts'
import { BailiwickError, type ErrorCode } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { HTTP_REQUEST_DEADLINE } from '../../core/timing.ts'
import type { Metrics } from '../metrics/index.ts'
import type { RequestMeters } from './context.ts'
import { beginRequest, contextOf, sendProblem } from './context.ts'
import type { OpenApiInfo, RouteDescription } from './openapi.ts'
import { openApiDocument } from './openapi.ts'
import { asBailiwickError } from './problem.ts'
import type { RateOptions } from './rate-limit.ts'
import { createRateLimit, standardRate } from './rate-limit.ts'

export interface HttpAppOptions {
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
  /** Per account, of requests that need one; default: none. */
  readonly accountRate?: RateOptions
  /** How many reverse proxies stand in front and write X-Forwarded-For; default 0: the header is not believed. */
  readonly trustedProxies?: number
  /** A request that takes longer is answered with Timeout. Default: HTTP_REQUEST_DEADLINE. */
  readonly deadlineMs?: number
  readonly clock?: Clock
}

/** One HTTP application. Routes are added with `route`; `listener` answers requests. */
export interface HttpApp {
  readonly name: string
  readonly listener: RequestListener
  /** Aborted by `serve` when it begins to stop: /readyz answers 503, connections are closed after their answer, streams end. */
  readonly stopping: AbortController
  /** For `route` and `files` alone. */
  readonly inside: {
    readonly routes: Router
    readonly otherMethods: Router
    readonly described: RouteDescription[]
    /** What every route may answer. */
    readonly commonErrors: readonly ErrorCode[]
    /** Throws TooManyRequests for an account that asks too often. */
    limitCaller(caller: unknown): void
  }
}

/** An application with health, metrics, OpenAPI, request ids, limits and one error handler; no routes of its own yet. */
export function createHttpApp(options: HttpAppOptions): HttpApp {
  const engine = express()
  engine.disable('x-powered-by')
  engine.disable('etag')
  engine.set('trust proxy', options.trustedProxies ?? 0)
  const app: HttpApp = {
    name: options.name,
    listener: engine,
    stopping: new AbortController(),
    inside: {
      routes: express.Router(),
      otherMethods: express.Router(),
      described: [],
      commonErrors: [...(options.rate === 'none' ? [] : (['TooManyRequests'] as const)), 'Timeout', 'Internal'],
      limitCaller: callerLimit(options.accountRate, options.clock ?? systemClock),
    },
  }
  const meters = metersOf(options.metrics)
  engine.use((request, response, next) => {
    beginRequest(request, response, { log: options.log, meters, deadlineMs: options.deadlineMs ?? HTTP_REQUEST_DEADLINE })
    setCommonHeaders(response)
    if (app.stopping.signal.aborted) response.setHeader('connection', 'close')
    else response.once('finish', () => app.stopping.signal.aborted && request.socket.end())
    next()
  })
  addProbes(engine, app, options)
  if (options.rate !== 'none') limitRate(engine, options.rate ?? standardRate, options.clock ?? systemClock)
  engine.get('/openapi.json', named('/openapi.json'), (_, response) => {
    response.json(openApiDocument(options.openapi ?? { title: `Bailiwick ${options.name}` }, app.inside.described))
  })
  engine.use(app.inside.routes, app.inside.otherMethods)
  engine.use((request) => {
    throw new BailiwickError('NotFound', {
      asked: `${request.method} ${request.path.slice(0, 200)}`,
      todo: 'GET /openapi.json lists the addresses',
    })
  })
  // Four parameters, used or not: it is how Express knows an error handler.
  engine.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    const known = asBailiwickError(error)
    if (known.status === 500) contextOf(request).log.error({ error }, 'request failed')
    else if (known.status === 503) contextOf(request).log.warn({ code: known.code, detail: known.message }, 'request refused')
    sendProblem(request, response, known)
  })
  return app
}

/** Serves the files of a folder (a browser page) under `path`, with the given content security policy. */
export function files(app: HttpApp, path: string, folder: string, contentSecurityPolicy: string): void {
  const setHeaders = (response: Response) => {
    response.setHeader('content-security-policy', contentSecurityPolicy)
    response.setHeader('cache-control', 'no-cache')
  }
  app.inside.routes.use(
    path,
    named(`${path}*`),
    express.static(folder, { setHeaders, cacheControl: false, dotfiles: 'ignore', redirect: false }),
  )
}

function setCommonHeaders(response: Response): void {
  response.setHeader('cache-control', 'no-store')
  response.setHeader('content-security-policy', "default-src 'none'; frame-ancestors 'none'")
  response.setHeader('cross-origin-resource-policy', 'same-origin')
  response.setHeader('referrer-policy', 'no-referrer')
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('x-frame-options', 'DENY')
}

function addProbes(engine: Express, app: HttpApp, options: HttpAppOptions): void {
  engine.get('/livez', named('/livez'), (_, response) => {
    response.json({ status: 'ok' })
  })
  // Shared by all who ask meanwhile: probes must not become load.
  let asking: Promise<void> | undefined
  engine.get('/readyz', named('/readyz'), async (_, response) => {
    if (app.stopping.signal.aborted)
      throw new BailiwickError('Busy', { todo: 'this instance is stopping, ask another one', retryAfterMs: 1_000 })
    asking ??= options.ready().finally(() => {
      asking = undefined
    })
    await asking
    response.json({ status: 'ok' })
  })
  if (options.exposeMetrics === false) return
  engine.get('/metrics', named('/metrics'), async (_, response) => {
    response.setHeader('content-type', options.metrics.contentType)
    response.send(await options.metrics.text())
  })
}

function limitRate(engine: Express, rate: RateOptions, clock: Clock): void {
  const take = createRateLimit(rate, clock)
  engine.use((request, _, next) => {
    const waitMs = take(request.ip ?? 'unknown')
    if (waitMs > 0) throw new BailiwickError('TooManyRequests', { todo: 'send fewer of them', retryAfterMs: waitMs })
    next()
  })
}

function callerLimit(rate: RateOptions | undefined, clock: Clock): (caller: unknown) => void {
  if (rate === undefined) return () => undefined
  const take = createRateLimit(rate, clock)
  return (caller) => {
    if (typeof caller !== 'object' || caller === null || !('account' in caller)) return
    const waitMs = take(String(caller.account))
    if (waitMs > 0)
      throw new BailiwickError('TooManyRequests', { asked: 'by this account', todo: 'send fewer of them', retryAfterMs: waitMs })
  }
}

/** Names the route for the metrics. */
export function named(route: string) {
  return (request: Request, _: Response, next: NextFunction): void => {
    contextOf(request).route = route
    next()
  }
}

const known = new WeakMap<Metrics, RequestMeters>()

/** Two applications of one process (public and internal port) count into the same metrics. */
function metersOf(metrics: Metrics): RequestMeters {
  const existing = known.get(metrics)
  if (existing !== undefined) return existing
  const meters = {
    requests: metrics.counter('http_requests_total', 'HTTP requests answered', ['method', 'route', 'status']),
    seconds: metrics.histogram(
      'http_request_duration_seconds',
      'Time from the first byte of a request to the end of its answer',
      [0.005, 0.02, 0.1, 0.5, 2, 10],
      ['method', 'route'],
    ),
  }
  known.set(metrics, meters)
  return meters
}
