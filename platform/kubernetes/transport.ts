import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { KUBERNETES_CALL_DEADLINE, WATCH_PROBE_AFTER } from '../../core/timing.ts'
import { refused, unreachable } from './errors.ts'
import type { Query } from './objects.ts'
import type { Endpoint } from './plain-endpoint.ts'

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly query?: Query
  readonly body?: unknown
  readonly contentType?: string
  /** Default: JSON. */
  readonly accept?: string | undefined
  /** Ends the request; so does the deadline. */
  readonly signal?: AbortSignal
  readonly deadlineMs?: number
}

/** A page of 500 objects of the largest allowed size would be more; ours are small. */
const MAX_ANSWER_BYTES = 256 * 1_048_576

/** One request with its answer read whole, as parsed JSON. Throws KubernetesUnavailable (no answer) or what `refused` makes of a status ≥ 400. */
export async function send(endpoint: Endpoint, request: ApiRequest): Promise<unknown> {
  const deadline = AbortSignal.timeout(request.deadlineMs ?? KUBERNETES_CALL_DEADLINE)
  const signal = request.signal === undefined ? deadline : AbortSignal.any([deadline, request.signal])
  const response = await open(endpoint, request, signal)
  const text = await readAll(response, request)
  if (status(response) >= 400) throw refused(request, status(response), text, response.headers['retry-after'])
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch (error) {
    throw unreachable(request, new Error('the answer is no JSON', { cause: error }))
  }
}

/** One request whose answer is read by the caller as it comes. The deadline is for its beginning only. Throws like `send`. */
export async function stream(endpoint: Endpoint, request: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const begin = new AbortController()
  const timer = setTimeout(() => begin.abort(new Error('no answer within the deadline')), request.deadlineMs ?? KUBERNETES_CALL_DEADLINE)
  try {
    const response = await open(endpoint, request, AbortSignal.any([begin.signal, signal]))
    if (status(response) >= 400) throw refused(request, status(response), await readAll(response, request), response.headers['retry-after'])
    return response
  } finally {
    clearTimeout(timer)
  }
}

async function open(endpoint: Endpoint, request: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const url = new URL(endpoint.base)
  url.pathname = `${url.pathname.replace(/\/$/, '')}${request.path}`
  for (const [key, value] of Object.entries(request.query ?? {})) if (value !== undefined) url.searchParams.set(key, String(value))
  const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body))
  try {
    const { headers, ...options } = await endpoint.options()
    const content =
      body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json', 'content-length': String(body.length) }
    const call = (url.protocol === 'http:' ? http : https).request(url, {
      ...options,
      method: request.method,
      headers: {
        accept: request.accept ?? 'application/json',
        'user-agent': 'bailiwick',
        ...content,
        ...(Array.isArray(headers) ? {} : headers),
      },
      signal,
    })
    return await new Promise<IncomingMessage>((resolve, reject) => {
      call.on('response', resolve)
      call.on('error', reject)
      // A peer that vanished without a word answers no probe either: the kernel then ends the connection within seconds.
      call.on('socket', (socket) => socket.setKeepAlive(true, WATCH_PROBE_AFTER))
      call.end(body)
    })
  } catch (error) {
    throw unreachable(request, signal.aborted ? signal.reason : error)
  }
}

async function readAll(response: IncomingMessage, request: ApiRequest): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of response) {
      const part: Buffer = chunk
      bytes += part.length
      if (bytes > MAX_ANSWER_BYTES) throw new Error(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`)
      chunks.push(part)
    }
  } catch (error) {
    throw unreachable(request, error)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function status(response: IncomingMessage): number {
  return response.statusCode ?? 0
}
