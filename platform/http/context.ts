import { randomUUID } from 'node:crypto'
import type { Request, Response } from 'express'
import { BailiwickError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { Counter, Histogram } from '../metrics/index.ts'
import { retryAfterSeconds, toProblem } from './problem.ts'

/** What belongs to one request while it is answered. */
export interface RequestContext {
  readonly requestId: string
  readonly log: Log
  /** Aborts when the client is gone or the deadline has passed. */
  readonly signal: AbortSignal
  /** The route's pattern, for metrics; set when one matched. */
  route: string
  /** Takes the deadline away: what is answered is a stream. */
  unlimited(): void
}

const contexts = new WeakMap<Request, RequestContext>()
const saneId = /^[A-Za-z0-9._:-]{1,64}$/

/** The context that `beginRequest` made. */
export function contextOf(request: Request): RequestContext {
  const context = contexts.get(request)
  if (context === undefined) throw new BailiwickError('Internal', { found: 'a request without context' })
  return context
}

export interface RequestMeters {
  readonly requests: Counter
  readonly seconds: Histogram
}

export interface RequestCare {
  readonly log: Log
  readonly meters: RequestMeters
  readonly deadlineMs: number
}

/** Gives the request its id, log, deadline and abort signal, and accounts for it when it ends. */
export function beginRequest(request: Request, response: Response, { log, meters, deadlineMs }: RequestCare): void {
  const asked = request.get('x-request-id')
  const requestId = asked !== undefined && saneId.test(asked) ? asked : randomUUID()
  const abort = new AbortController()
  let own: Log | undefined
  const context: RequestContext = {
    requestId,
    // Most requests say nothing but that they were answered.
    get log() {
      own ??= log.child({ requestId })
      return own
    },
    signal: abort.signal,
    route: 'unmatched',
    unlimited: () => clearTimeout(deadline),
  }
  contexts.set(request, context)
  response.setHeader('x-request-id', requestId)
  const began = performance.now()
  const deadline = setTimeout(() => {
    const error = new BailiwickError('Timeout', { todo: 'try again', retryAfterMs: 1_000 })
    abort.abort(error)
    response.setHeader('connection', 'close')
    sendProblem(request, response, error)
  }, deadlineMs)
  response.once('close', () => {
    clearTimeout(deadline)
    abort.abort()
    account(request, response, context, (performance.now() - began) / 1_000, { log, meters })
  })
}

/** Answers with problem+json, unless an answer is already under way. */
export function sendProblem(request: Request, response: Response, error: BailiwickError): void {
  if (response.headersSent) return
  const retryAfter = retryAfterSeconds(error)
  if (retryAfter !== undefined) response.setHeader('retry-after', String(retryAfter))
  if (error.status === 401) response.setHeader('www-authenticate', 'Bearer')
  // The rest of a body that is too large is not read: the connection ends with the answer.
  if (error.code === 'PayloadTooLarge') response.setHeader('connection', 'close')
  response.status(error.status).type('application/problem+json')
  response.send(JSON.stringify(toProblem(error, request.path, contextOf(request).requestId)))
}

/** What machines ask all the time: said at debug, so that people find the rest. A refusal of theirs is said as any other. */
const polled = new Set(['/livez', '/readyz', '/metrics', '/autoscale', '/v1/zones/:namespace/:name'])
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

function account(
  request: Request,
  response: Response,
  context: RequestContext,
  seconds: number,
  { log, meters }: Pick<RequestCare, 'log' | 'meters'>,
): void {
  const method = methods.has(request.method) ? request.method : 'other'
  const labels = { method, route: context.route }
  meters.requests.add({ ...labels, status: response.writableFinished ? String(response.statusCode) : 'aborted' })
  meters.seconds.observe(seconds, labels)
  const fields = { method: request.method, path: request.path.slice(0, 200), status: response.statusCode, ms: Math.round(seconds * 1_000) }
  if (polled.has(context.route) && response.statusCode < 500) log.debug({ requestId: context.requestId, ...fields }, 'request answered')
  else context.log.info(fields, 'request answered')
}
