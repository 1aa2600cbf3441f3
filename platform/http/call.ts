import type { Request } from 'express'
import { BailiwickError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { z } from '../../core/validate/index.ts'
import type { RequestContext } from './context.ts'
import { invalidInput } from './problem.ts'

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

/** What a handler is told. What few of them ask for is made when they ask for it: a signal costs more than all the rest. */
export class RouteCall<P, Q, B, C> implements Call<P, Q, B, C> {
  readonly params: P
  readonly query: Q
  readonly body: B
  readonly #request: Request
  readonly #context: RequestContext

  constructor(request: Request, context: RequestContext, { params, query, body }: Input<P, Q, B>) {
    this.params = params
    this.query = query
    this.body = body
    this.#request = request
    this.#context = context
  }

  get caller(): C {
    return this.#context.caller as C
  }

  get requestId(): string {
    return this.#context.requestId
  }

  get log(): Log {
    return this.#context.log
  }

  get signal(): AbortSignal {
    return this.#context.signal
  }

  get address(): string {
    return this.#request.ip ?? 'unknown'
  }

  /** Handlers take the parts of a call out of it: this one, too. */
  readonly header = (name: string): string | undefined => this.#request.get(name)
}

interface Input<P, Q, B> {
  readonly params: P
  readonly query: Q
  readonly body: B
}

export interface Schemas<P, Q, B> {
  /** Objects must be strict (unknown fields refused) or, for others' evolving formats, expressly loose. */
  readonly params?: z.ZodType<P>
  readonly query?: z.ZodType<Q>
  readonly body?: z.ZodType<B>
}

/** Checks the parts of a request. A part without schema is typed undefined, and holds nothing; the compiler can't see that the two go together. */
export function inputOf<P, Q, B>(spec: Schemas<P, Q, B>): (request: Request) => Input<P, Q, B> {
  // Most have no query: what that gives is found once.
  const query: z.ZodType = spec.query ?? nothing
  const none = query.safeParse({})
  const noQuery = none.success ? Object.freeze(none.data) : undefined
  return (request) => {
    const input = {
      params: check('path', spec.params, request.params),
      query: noQuery !== undefined && !request.url.includes('?') ? noQuery : check('query', query, request.query),
      body: check('body', spec.body, request.body ?? missingBody(spec.body)),
    }
    return input as Input<P, Q, B>
  }
}

/** Of a route that asks for no parameters. */
const nothing = z.strictObject({})

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
