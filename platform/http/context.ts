import { randomUUID } from 'node:crypto'
import type { Request, Response } from 'express'
import { BailiwickError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { CONNECTION_END_LIMIT } from '../../core/timing.ts'
import type { Counter, Gauge, Histogram } from '../metrics/index.ts'
import type { Deadlines, Timed } from './deadlines.ts'

export interface RequestMeters {
  readonly requests: Counter
  readonly seconds: Histogram
  readonly connections: Gauge
  readonly dropped: Counter
}

export interface RequestCare {
  readonly log: Log
  readonly meters: RequestMeters
  readonly deadlines: Deadlines
  /** Aborted when the application stops: connections end with their answers. */
  readonly stopping: AbortSignal
  /** Answers with an error, unless an answer is under way. */
  readonly refuse: (request: Request, response: Response, error: BailiwickError) => void
}

const key = Symbol('context')
type Carrier = Request & { [key]?: RequestContext }
const saneId = /^[A-Za-z0-9._:-]{1,64}$/

/** False before `beginRequest`. */
export function hasContext(request: Request): boolean {
  return (request as Carrier)[key] !== undefined
}

/** The context that `beginRequest` made. */
export function contextOf(request: Request): RequestContext {
  const context = (request as Carrier)[key]
  if (context === undefined) throw new BailiwickError('Internal', { found: 'a request without context' })
  return context
}

/** Gives the request its id, log, deadline and abort signal, and accounts for it when it ends. */
export function beginRequest(request: Request, response: Response, care: RequestCare): void {
  const context = new RequestContext(request, response, care)
  const carrier: Carrier = request
  carrier[key] = context
  care.deadlines.add(context)
  response.on('close', () => context.end())
}

/** What belongs to one request while it is answered. What most requests do not need is made when it is asked for. */
export class RequestContext implements Timed {
  readonly began = performance.now()
  readonly requestId: string
  /** The route's pattern, for metrics; set when one matched. */
  route = 'unmatched'
  /** The connection ends with the answer. */
  isLast: boolean
  /** Who asks, of routes that must know. */
  caller: unknown
  readonly #request: Request
  readonly #response: Response
  readonly #care: RequestCare
  #log: Log | undefined
  #abort: AbortController | undefined
  #untaken: NodeJS.Timeout | undefined
  #over: { readonly reason: BailiwickError | undefined } | undefined

  constructor(request: Request, response: Response, care: RequestCare) {
    const asked = request.headers['x-request-id']
    this.requestId = typeof asked === 'string' && saneId.test(asked) ? asked : randomUUID()
    this.#request = request
    this.#response = response
    this.#care = care
    this.isLast = care.stopping.aborted
  }

  /** With the request's id. */
  get log(): Log {
    this.#log ??= this.#care.log.child({ requestId: this.requestId })
    return this.#log
  }

  /** Aborts when the client is gone or the deadline has passed. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (this.#over !== undefined) this.#abort.abort(this.#over.reason)
    }
    return this.#abort.signal
  }

  /** Takes the deadline away: what is answered is a stream. */
  unlimited(): void {
    this.#care.deadlines.delete(this)
  }

  /** The deadline has passed. An answer that was sent by then, and is not taken, ends with its connection; so does this one when it is not taken either. */
  expire(): void {
    if (this.#response.headersSent) {
      this.#cut()
      return
    }
    this.#untaken = setTimeout(() => this.#cut(), CONNECTION_END_LIMIT)
    const error = new BailiwickError('Timeout', { todo: 'try again', retryAfterMs: 1_000 })
    this.#finish(error)
    this.isLast = true
    this.#care.refuse(this.#request, this.#response, error)
  }

  /** The answer is out, or the client is gone. */
  end(): void {
    const { deadlines, stopping } = this.#care
    deadlines.delete(this)
    clearTimeout(this.#untaken)
    this.#finish(undefined)
    account(this.#request, this.#response, this, this.#care)
    if (stopping.aborted) this.#request.socket.end()
  }

  /** With a reset: what is not taken must not lie in the kernel for minutes. */
  #cut(): void {
    this.#request.socket.resetAndDestroy()
  }

  #finish(reason: BailiwickError | undefined): void {
    if (this.#over !== undefined) return
    this.#over = { reason }
    this.#abort?.abort(reason)
  }
}

/** What machines ask all the time: said at debug, so that people find the rest. A refusal of theirs is said as any other. */
const polled = new Set(['/livez', '/readyz', '/metrics', '/autoscale', '/v1/zones/:namespace/:name'])
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

function account(request: Request, response: Response, context: RequestContext, { log, meters }: RequestCare): void {
  const seconds = (performance.now() - context.began) / 1_000
  const method = methods.has(request.method) ? request.method : 'other'
  const { route } = context
  meters.requests.add({ method, route, status: response.writableFinished ? String(response.statusCode) : 'aborted' })
  meters.seconds.observe(seconds, { method, route })
  const fields = { method: request.method, path: request.path.slice(0, 200), status: response.statusCode, ms: Math.round(seconds * 1_000) }
  if (polled.has(route) && response.statusCode < 500) log.debug({ requestId: context.requestId, ...fields }, 'request answered')
  else context.log.info(fields, 'request answered')
}
