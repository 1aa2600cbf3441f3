import type { Request, Response } from 'express'
import express from 'express'
import type { ErrorCode } from '../../core/errors.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { z } from '../../core/validate/index.ts'
import type { HttpApp } from './app.ts'
import { named } from './app.ts'
import { contextOf } from './context.ts'
import type { HeededHeader, Method } from './openapi.ts'
import { invalidInput } from './problem.ts'
import { EventStream, Prepared, sendPrepared, sendStream } from './reply.ts'

/** Who calls, from the Authorization header; rejects with Unauthenticated. */
export type Auth<C> = (authorization: string | undefined) => Promise<C>

export interface RouteSpec<P, Q, B, C, R> {
  /** One sentence for the OpenAPI document. */
  readonly summary: string
  /** Objects must be strict (unknown fields refused) or, for others' evolving formats, expressly loose. */
  readonly params?: z.ZodType<P>
  readonly query?: z.ZodType<Q>
  readonly body?: z.ZodType<B>
  readonly auth?: Auth<C>
  readonly answer: {
    readonly status: number
    /** Absent: an answer without body. Fields that it does not name are not sent. */
    readonly body?: z.ZodType<unknown, R>
    readonly headers?: Readonly<Record<string, string>>
    /** What else it answers that is no error, by status: a Prepared answer's. */
    readonly also?: Readonly<Record<number, string>>
    /** It also answers server-sent events, to those who accept them. */
    readonly stream?: string
    /** Names of headers that it answers with, and what they say. */
    readonly says?: Readonly<Record<string, string>>
  }
  /** Names of request headers that it heeds, and what for. */
  readonly heeds?: Readonly<Record<string, string | HeededHeader>>
  /** What it can answer besides InvalidInput and Unauthenticated, for the document. */
  readonly errors?: readonly ErrorCode[]
}

export interface Call<P, Q, B, C> {
  readonly params: P
  readonly query: Q
  readonly body: B
  readonly caller: C
  readonly requestId: string
  readonly log: Log
  /** Aborts when the client is gone or the request's deadline has passed. */
  readonly signal: AbortSignal
  /** Of the client, as far as proxies are trusted. */
  readonly address: string
  /** A header of the request. */
  header(name: string): string | undefined
}

const BODY_LIMIT = 64 * 1024
const readJson = express.json({ limit: BODY_LIMIT, inflate: false, strict: true })
const ignoreBody = (_request: Request, _response: Response, next: () => void): void => next()

/**
 * Adds one address. The handler gets checked input and gives the answer's body; what it throws becomes problem+json. A caller is
 * authenticated before the body is read.
 */
export function route<P = undefined, Q = undefined, B = undefined, C = undefined, R = void>(
  app: HttpApp,
  method: Method,
  path: string,
  spec: RouteSpec<P, Q, B, C, R>,
  handler: (call: Call<P, Q, B, C>) => Promise<NoInfer<R> | Prepared | EventStream> | Prepared | EventStream,
): void {
  for (const schema of [spec.params, spec.query, spec.body]) refuseStripping(method, path, schema)
  const { routes, described } = app.inside
  const callers = new WeakMap<Request, C>()
  routes[method](
    path,
    named(path),
    async (request: Request, _response: Response, next: () => void) => {
      if (spec.auth !== undefined) {
        const caller = await spec.auth(request.get('authorization'))
        app.inside.limitCaller(caller)
        callers.set(request, caller)
      }
      next()
    },
    spec.body === undefined ? ignoreBody : readJson,
    async (request: Request, response: Response) => {
      const { requestId, log, signal } = contextOf(request)
      const input = {
        params: check('path', spec.params, request.params),
        query: check('query', spec.query, request.query),
        body: check('body', spec.body, request.body ?? missingBody(spec.body)),
      }
      // A part without schema is typed undefined and is undefined; the compiler can't see that the two go together.
      const address = request.ip ?? 'unknown'
      const header = (name: string): string | undefined => request.get(name)
      const call = { ...input, caller: callers.get(request), requestId, log, signal, address, header } as Call<P, Q, B, C>
      const result = await handler(call)
      if (response.headersSent) return
      if (result instanceof Prepared) return sendPrepared(response, result)
      if (!(result instanceof EventStream)) return answer(response, spec.answer, result)
      contextOf(request).unlimited()
      sendStream(response, result, app.stopping.signal)
    },
  )
  if (!described.some((known) => known.path === path)) refuseOtherMethods(app, path)
  described.push({
    method,
    path,
    summary: spec.summary,
    params: spec.params,
    query: spec.query,
    body: spec.body,
    authenticated: spec.auth !== undefined,
    status: spec.answer.status,
    answer: spec.answer.body,
    errors: [...(spec.errors ?? []), ...app.inside.commonErrors],
    also: spec.answer.also ?? {},
    stream: spec.answer.stream,
    says: spec.answer.says ?? {},
    heeds: spec.heeds ?? {},
  })
}

function check<T>(part: 'path' | 'query' | 'body', schema: z.ZodType<T> | undefined, value: unknown): T | undefined {
  if (schema === undefined) return undefined
  const result = schema.safeParse(value)
  if (!result.success) throw invalidInput(part, result.error)
  return result.data
}

function missingBody(schema: z.ZodType | undefined): undefined {
  if (schema === undefined) return undefined
  throw new BailiwickError('InvalidInput', {
    asked: 'body',
    found: 'none, or one of another content type',
    todo: 'send a JSON object as application/json',
  })
}

function answer<R>(response: Response, spec: RouteSpec<never, never, never, never, R>['answer'], result: R): void {
  response.status(spec.status)
  for (const [name, value] of Object.entries(spec.headers ?? {})) response.setHeader(name, value)
  if (spec.body === undefined) {
    response.end()
    return
  }
  // Through the schema on the way out, too: the document can't drift from what is sent, and no inner field leaves by accident.
  response.json(spec.body.parse(result))
}

function refuseOtherMethods(app: HttpApp, path: string): void {
  const { otherMethods, described } = app.inside
  otherMethods.all(path, named(path), (request: Request, response: Response) => {
    const allowed = described.filter((known) => known.path === path).map((known) => known.method.toUpperCase())
    response.setHeader('allow', allowed.join(', '))
    throw new BailiwickError('MethodNotAllowed', { asked: request.method.slice(0, 20), todo: `use ${allowed.join(' or ')}` })
  })
}

/** zod's plain objects drop unknown fields without a word, which hides a client's misspelling. */
function refuseStripping(method: Method, path: string, schema: z.ZodType | undefined): void {
  if (schema instanceof z.ZodObject && schema.def.catchall === undefined) {
    throw new BailiwickError('ConfigInvalid', {
      asked: `${method} ${path}`,
      todo: 'declare its input with z.strictObject or z.looseObject',
    })
  }
}
