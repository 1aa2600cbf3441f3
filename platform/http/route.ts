import type { Request, RequestHandler, Response } from 'express'
import type { ErrorCode } from '../../core/errors.ts'
import { BailiwickError } from '../../core/errors.ts'
import { z } from '../../core/validate/index.ts'
import type { HttpApp } from './app.ts'
import { named } from './app.ts'
import { type Call, inputOf, RouteCall, type Schemas } from './call.ts'
import { contextOf } from './context.ts'
import { setCommonHeaders } from './head.ts'
import type { Link } from './links.ts'
import type { HeededHeader, Method } from './openapi.ts'
import { EventStream, Prepared, sendPrepared, sendStream } from './reply.ts'

/** Who calls, from the Authorization header; rejects with Unauthenticated. */
export type Auth<C> = (authorization: string | undefined) => Promise<C>

export interface RouteSpec<P, Q, B, C, R> extends Schemas<P, Q, B> {
  /** One sentence for the OpenAPI document. */
  readonly summary: string
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
    /** What can be asked with this answer: OpenAPI links, by name. */
    readonly links?: Readonly<Record<string, Link>>
  }
  /** Names of request headers that it heeds, and what for. */
  readonly heeds?: Readonly<Record<string, string | HeededHeader>>
  /** What it can answer besides InvalidInput and Unauthenticated, for the document. */
  readonly errors?: readonly ErrorCode[]
}

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
  const checked = inputOf(spec)
  const perform = (request: Request, response: Response): void | Promise<void> => {
    const context = contextOf(request)
    context.route = path
    const result = handler(new RouteCall(request, context, checked(request)))
    return result instanceof Promise ? result.then((late) => send(request, response, late)) : send(request, response, result)
  }
  const send = (request: Request, response: Response, result: NoInfer<R> | Prepared | EventStream): void => {
    if (response.headersSent) return
    if (result instanceof Prepared) {
      sendPrepared(request, response, result)
      return
    }
    setCommonHeaders(request, response)
    if (result instanceof EventStream) {
      contextOf(request).unlimited()
      sendStream(response, result, app.stopping.signal)
    } else answer(response, spec.answer, result)
  }
  // Each step costs, so there are no more than are needed.
  const steps: RequestHandler[] = path.includes(':') ? [leaveToFixed(app, path)] : []
  if (spec.auth !== undefined) steps.push(authenticate(app, path, spec.auth))
  if (spec.body !== undefined) steps.push(named(path), app.inside.readJson)
  routes[method](path, ...steps, perform)
  if (!described.some((known) => known.path === path)) addOtherMethods(app, path)
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
    links: spec.answer.links ?? {},
  })
}

/** The caller is known before the body is read. */
function authenticate<C>(app: HttpApp, path: string, auth: Auth<C>): RequestHandler {
  return async (request, _response, next) => {
    const context = contextOf(request)
    context.route = path
    const caller = await auth(request.get('authorization'))
    app.inside.limitCaller(caller)
    context.caller = caller
    next()
  }
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

/** A path without variable parts goes before one whose pattern it fits (OpenAPI 3.1, Paths Object), whatever the method and the order in which they were added. */
function leaveToFixed(app: HttpApp, path: string): RequestHandler {
  const pattern = new RegExp(`^${path.replaceAll(/[.]/g, '\\.').replaceAll(/:\w+/g, '[^/]+')}$`)
  let fixed: ReadonlySet<string> | undefined
  return (request, _response, next) => {
    // When the first request comes all routes are there.
    fixed ??= new Set(app.inside.described.map((known) => known.path).filter((other) => !other.includes(':') && pattern.test(other)))
    next(fixed.size > 0 && fixed.has(request.path) ? 'route' : undefined)
  }
}

/** What else is asked of a path: OPTIONS says its methods, all others are refused. */
function addOtherMethods(app: HttpApp, path: string): void {
  const { routes, otherMethods, described } = app.inside
  const allowed = (): readonly string[] => {
    const methods = described.filter((known) => known.path === path).map((known) => known.method.toUpperCase())
    return methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  }
  // Express would say those of all paths that match, though the first alone is asked.
  const first = path.includes(':') ? leaveToFixed(app, path) : named(path)
  routes.options(path, first, named(path), (request: Request, response: Response) => {
    sendPrepared(request, response, new Prepared(204, { allow: allowed().join(', ') }))
  })
  otherMethods.all(path, first, named(path), (request: Request, response: Response) => {
    response.setHeader('allow', allowed().join(', '))
    throw new BailiwickError('MethodNotAllowed', { asked: request.method.slice(0, 20), todo: `use ${allowed().join(' or ')}` })
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
