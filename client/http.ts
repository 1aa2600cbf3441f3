import { BailiwickError, describeError } from '../core/errors.ts'
import { CLIENT_REQUEST_DEADLINE } from '../core/timing.ts'
import { problemOf } from './problem.ts'

export interface Request {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly body?: object
  readonly token?: string
  /** From a page whose refresh token is in a cookie. */
  readonly withCookie?: boolean
  /** Besides those that every request has. */
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
  /** Told the headers of a success. */
  readonly onHeaders?: (headers: Headers) => void
}

/** The answer 304: what is known still holds. */
export class NotModified extends Error {
  override readonly name = 'NotModified'
}

export type FetchLike = (url: string, init: RequestInit) => Promise<Response>

/**
 * Makes JSON requests: the parsed body of a success, undefined for 204. Throws the service's own error, Unreachable when there is no answer, Timeout past
 * CLIENT_REQUEST_DEADLINE; the signal's reason when the caller gave up.
 */
export function createHttp(fetch: FetchLike): (request: Request) => Promise<unknown> {
  return async (request) => {
    const asked = `${request.method} ${withoutQuery(request.url)}`
    const deadline = AbortSignal.timeout(CLIENT_REQUEST_DEADLINE)
    const signal = request.signal === undefined ? deadline : AbortSignal.any([deadline, request.signal])
    try {
      const response = await fetch(request.url, { ...init(request), signal })
      if (response.status === 304) throw new NotModified()
      if (!response.ok) throw await problemOf(response, asked)
      request.onHeaders?.(response.headers)
      return response.status === 204 ? undefined : await response.json()
    } catch (cause) {
      if (cause instanceof BailiwickError || cause instanceof NotModified) throw cause
      if (request.signal?.aborted === true) throw request.signal.reason
      if (deadline.aborted) throw new BailiwickError('Timeout', { asked, found: `no answer in ${CLIENT_REQUEST_DEADLINE} ms`, cause })
      throw new BailiwickError('Unreachable', { asked, found: reasonOf(cause), todo: 'check the URL and that the service runs', cause })
    }
  }
}

function init(request: Request): RequestInit {
  const headers: Record<string, string> = { ...request.headers, accept: 'application/json' }
  if (request.token !== undefined) headers['authorization'] = `Bearer ${request.token}`
  // What the service wants of a page that uses its cookie: other sites can't send it.
  if (request.withCookie === true) headers['x-bailiwick-page'] = '1'
  if (request.body === undefined) return { method: request.method, headers }
  headers['content-type'] = 'application/json'
  return { method: request.method, headers, body: JSON.stringify(request.body) }
}

/** fetch says only "fetch failed"; what really happened is its cause. */
function reasonOf(error: unknown): string {
  const inner = error instanceof Error ? error.cause : undefined
  return inner === undefined ? describeError(error) : `${describeError(error)}: ${describeError(inner)}`
}

function withoutQuery(url: string): string {
  return url.split('?')[0] ?? url
}
