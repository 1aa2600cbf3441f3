import type { RequestListener } from 'node:http'
import type { Express, NextFunction, Request, RequestHandler, Response, Router } from 'express'
import express from 'express'
import type { Clock } from '../../core/clock.ts'
import { systemClock } from '../../core/clock.ts'
import { BailiwickError, type ErrorCode } from '../../core/errors.ts'
import { contextOf, hasContext, type RequestMeters } from './context.ts'
import { type EntranceOptions, entrance } from './entrance.ts'
import { setCommonHeaders } from './head.ts'
import { metersOf } from './meters.ts'
import type { RouteDescription } from './openapi.ts'
import { asBailiwickError } from './problem.ts'
import type { RateOptions } from './rate-limit.ts'
import { createRateLimit } from './rate-limit.ts'
import { sendProblem } from './reply.ts'
import { settleTarget } from './target.ts'

export interface HttpAppOptions extends EntranceOptions {
  readonly name: string
  /** Per account, of requests that need one; default: none. */
  readonly accountRate?: RateOptions
  /** The longest body, bytes; default: STANDARD_BODY. Bodies that come slowly lie in memory: where thousands may come from anywhere it is little. */
  readonly bodyLimit?: number
}

const STANDARD_BODY = 64 * 1024
/** More than the longest that players' services are asked with (two passwords of 512 characters, each an escape of six). */
export const PUBLIC_BODY = 16 * 1024

/** A webhook of the cluster brings all labels and annotations of an object with it (kubectl keeps the whole object in one): up to 256 KiB, of which JSON escapes some. */
const INTERNAL_BODY = 1024 * 1024

/** One HTTP application. Routes are added with `route`; `listener` answers requests. */
export interface HttpApp {
  readonly name: string
  readonly listener: RequestListener
  /** Aborted by `serve` when it begins to stop: /readyz answers 503, connections are closed after their answer, streams end. */
  readonly stopping: AbortController
  /** For `route`, `files` and `serve` alone. */
  readonly inside: {
    readonly meters: RequestMeters
    readonly routes: Express
    readonly readJson: RequestHandler
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
  // A gateway that lets nobody to an address knows it in one writing.
  engine.enable('case sensitive routing')
  engine.enable('strict routing')
  engine.set('trust proxy', options.trustedProxies ?? 0)
  const app: HttpApp = {
    name: options.name,
    // Express asks back when no route took the request, and with what one threw: the rest needs no steps of its own.
    listener: (plain, answer) => {
      // What they are once Express has had them.
      const [request, response] = [plain as Request, answer as Response]
      settleTarget(plain)
      engine(request, response, (error: unknown) => untaken(app, request, response, error))
    },
    stopping: new AbortController(),
    inside: {
      meters: metersOf(options.metrics),
      routes: engine,
      readJson: express.json({ limit: options.bodyLimit ?? STANDARD_BODY, inflate: false, strict: true }),
      otherMethods: express.Router({ caseSensitive: true, strict: true }),
      described: [],
      commonErrors: [...(options.rate === 'none' ? [] : (['TooManyRequests'] as const)), 'Timeout', 'Internal'],
      limitCaller: callerLimit(options.accountRate, options.clock ?? systemClock),
    },
  }
  engine.use(entrance({ ...options, stopping: app.stopping.signal, described: app.inside.described, meters: app.inside.meters }))
  return app
}

/** What is for the cluster alone, on a port of its own: health and metrics. Routes may be added. */
export function createInternalApp(options: Pick<HttpAppOptions, 'name' | 'log' | 'metrics' | 'ready' | 'openapi' | 'clock'>): HttpApp {
  return createHttpApp({ ...options, rate: 'none', bodyLimit: INTERNAL_BODY })
}

/** Answers what no route took: an error, another method of a known address, an address that there is not. */
function untaken(app: HttpApp, request: Request, response: Response, error: unknown): void {
  if (!hasContext(request)) {
    // Express could not begin with it. Nothing that names the request may be used.
    response.writeHead(400, { connection: 'close' }).end()
    return
  }
  if (error !== undefined && error !== null) {
    failed(request, response, error)
    return
  }
  app.inside.otherMethods(request, response, (thrown: unknown) => {
    const asked = `${request.method} ${request.path.slice(0, 200)}`
    failed(request, response, thrown ?? new BailiwickError('NotFound', { asked, todo: 'GET /openapi.json lists the addresses' }))
  })
}

function failed(request: Request, response: Response, error: unknown): void {
  const known = asBailiwickError(error)
  if (known.status === 500) contextOf(request).log.error({ error }, 'request failed')
  else if (known.status === 503) contextOf(request).log.warn({ code: known.code, detail: known.message }, 'request refused')
  sendProblem(request, response, known)
}

/** Serves the files of a folder (a browser page) under `path`, with the given content security policy. */
export function files(app: HttpApp, path: string, folder: string, contentSecurityPolicy: string): void {
  const setHeaders = (response: Response) => {
    setCommonHeaders(response.req, response)
    response.setHeader('content-security-policy', contentSecurityPolicy)
    response.setHeader('cache-control', 'no-cache')
  }
  app.inside.routes.use(
    path,
    named(`${path}*`),
    express.static(folder, { setHeaders, cacheControl: false, dotfiles: 'ignore', redirect: false }),
  )
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
