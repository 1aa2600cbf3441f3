import type { Request, Response } from 'express'
import type { BailiwickError } from '../../core/errors.ts'
import { CONNECTION_END_LIMIT, ZONE_STREAM_HEARTBEAT, ZONE_STREAM_LIMIT } from '../../core/timing.ts'
import { contextOf } from './context.ts'
import { setCommonHeaders, writeHead } from './head.ts'
import { retryAfterSeconds, toProblem } from './problem.ts'

/** By name, in lower case; a list where there is more than one of that name, as of `set-cookie`. */
export type AnswerHeaders = Readonly<Record<string, string | readonly string[]>>

/** An answer that was made before it was asked for: sent as it is, past the schema that its text was checked with when it was made. */
export class Prepared {
  readonly status: number
  readonly headers: AnswerHeaders
  readonly body: string | undefined

  constructor(status: number, headers: AnswerHeaders, body?: string) {
    this.status = status
    this.headers = headers
    this.body = body
  }
}

export interface StreamEvent {
  readonly event: string
  /** What the client sends as Last-Event-ID when it comes back. */
  readonly id: string
  /** One line. */
  readonly data: string
}

export interface EventSink {
  send(event: StreamEvent): void
  /** Ends the stream; a browser asks again by itself. */
  end(): void
}

/** Server-sent events. `begin` is given where to send to, and answers what stops it; it is called once the head of the answer is out. */
export class EventStream {
  readonly begin: (sink: EventSink) => () => void

  constructor(begin: (sink: EventSink) => () => void) {
    this.begin = begin
  }
}

/** A client that reads so slowly that more than this waits for it is cut off: it comes back and gets what is new then. */
const MAX_WAITING_BYTES = 64 * 1024
/** A client comes back after this, ms. */
const RETRY = 1_000

/** Answers with what was made before, unless an answer is already under way. */
export function sendPrepared(request: Request, response: Response, { status, headers, body }: Prepared): void {
  if (response.headersSent) return
  writeHead(request, response, { status, headers, length: body === undefined ? undefined : Buffer.byteLength(body) })
  response.end(body)
}

/** Answers with problem+json, unless an answer is already under way. */
export function sendProblem(request: Request, response: Response, error: BailiwickError): void {
  if (response.headersSent) return
  setCommonHeaders(request, response)
  const retryAfter = retryAfterSeconds(error)
  if (retryAfter !== undefined) response.setHeader('retry-after', String(retryAfter))
  if (error.status === 401) response.setHeader('www-authenticate', 'Bearer')
  // The rest of a body that is too large is not read: the connection ends with the answer.
  if (error.code === 'PayloadTooLarge') response.setHeader('connection', 'close')
  response.status(error.status).type('application/problem+json')
  response.send(JSON.stringify(toProblem(error, request.path, contextOf(request).requestId)))
}

/** Streams until the client or `stopping` ends it, or for about ZONE_STREAM_LIMIT. */
export function sendStream(response: Response, stream: EventStream, stopping: AbortSignal): void {
  response.statusCode = 200
  response.setHeader('content-type', 'text/event-stream; charset=utf-8')
  response.setHeader('cache-control', 'no-cache, no-transform')
  // Some proxies hold answers back until they are complete.
  response.setHeader('x-accel-buffering', 'no')
  response.flushHeaders()
  const write = (text: string): void => {
    // It does not close at its end, but when the client has taken all of it.
    if (response.writableEnded || response.destroyed) return
    if (response.writableLength > MAX_WAITING_BYTES) response.destroy()
    else response.write(text)
  }
  write(`retry: ${RETRY}\n\n`)
  let cut: NodeJS.Timeout | undefined
  const end = (): void => {
    if (response.writableEnded) return
    response.end()
    cut = setTimeout(() => {
      response.destroy()
      over()
    }, CONNECTION_END_LIMIT)
  }
  const heartbeat = setInterval(() => write(': heartbeat\n\n'), ZONE_STREAM_HEARTBEAT)
  // With jitter, so that clients that came together do not all come back together.
  const limit = setTimeout(end, ZONE_STREAM_LIMIT * (0.8 + 0.2 * Math.random()))
  stopping.addEventListener('abort', end, { once: true })
  const stop = stream.begin({ send: ({ event, id, data }) => write(`event: ${event}\nid: ${id}\ndata: ${data}\n\n`), end })
  const { socket } = response.req
  let isOver = false
  const over = (): void => {
    if (isOver) return
    isOver = true
    clearInterval(heartbeat)
    clearTimeout(limit)
    clearTimeout(cut)
    stopping.removeEventListener('abort', end)
    socket.removeListener('close', over)
    stop()
  }
  response.once('close', over)
  // An answer that waits behind another one of its connection never had the socket, and is not closed with it.
  socket.once('close', over)
  if (response.closed || socket.closed) over()
  else if (stopping.aborted) end()
}
