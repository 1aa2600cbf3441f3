import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { Duplex } from 'node:stream'
import { BailiwickError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import {
  HTTP_HEADERS_LIMIT,
  HTTP_KEEP_ALIVE,
  HTTP_LIMITS_CHECKED_EVERY,
  HTTP_RECEIVE_LIMIT,
  SHUTDOWN_DRAIN,
  SHUTDOWN_LIMIT,
} from '../../core/timing.ts'
import type { HttpApp } from './app.ts'
import { OpenConnections } from './open-connections.ts'

export interface ServeOptions {
  /** 0 takes a free one. */
  readonly port: number
  /** Default: every address of the machine. */
  readonly host?: string
  readonly log: Log
  /** How long it answers on, not ready, after `close` was called. Default: SHUTDOWN_DRAIN; 0 where no load balancer has to notice. */
  readonly drainMs?: number
  /** Connections that it holds at once. Default: MAX_CONNECTIONS, or less where the process may not open as many files. */
  readonly maxConnections?: number
}

export interface Serving {
  readonly port: number
  /** For protocol upgrades (WebSocket). Its sockets are ended with the server. */
  readonly server: Server
  /** A socket that was upgraded: it is let go for no other. */
  keep(socket: Duplex): void
  /** Stops gracefully: not ready, drain, no new connections, answers finished; at SHUTDOWN_LIMIT the rest is cut. Never rejects. */
  close(): Promise<void>
}

const MAX_CONNECTIONS = 10_000
/** Files that a process needs besides: of its stores, its log, its own ports. */
const OTHER_FILES = 256
/** Those that are being closed are still open for a moment: so many more, then the kernel's backlog holds them. */
const CLOSING = 256

/** Listens. Throws ConfigInvalid, naming the port, when it is taken or may not be used. */
export async function serve(app: HttpApp, options: ServeOptions): Promise<Serving> {
  const limits = {
    headersTimeout: HTTP_HEADERS_LIMIT,
    requestTimeout: HTTP_RECEIVE_LIMIT,
    keepAliveTimeout: HTTP_KEEP_ALIVE,
    connectionsCheckingInterval: HTTP_LIMITS_CHECKED_EVERY,
    maxHeaderSize: 16 * 1024,
    // The application refuses it: Node would answer all of a packet at once.
    requireHostHeader: false,
  }
  const limit = options.maxConnections ?? Math.min(MAX_CONNECTIONS, Math.max(OTHER_FILES, openFilesLimit() - OTHER_FILES))
  const open = new OpenConnections(app, limit, options.log)
  const server = createServer(limits, (request, response) => open.asked(request, response))
  // One of which we know nothing, which may be ignored (RFC 9110, 10.1.1). Node would refuse all of a packet at once.
  server.on('checkExpectation', (request, response) => open.asked(request, response))
  server.maxConnections = limit + CLOSING
  server.on('connection', (socket) => open.add(socket))
  await listen(server, options)
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : options.port
  options.log.info({ app: app.name, port }, 'listening')
  let closing: Promise<void> | undefined
  return {
    port,
    server,
    keep: (socket) => open.keep(socket),
    close() {
      closing ??= stop(app, server, open, options)
      return closing
    },
  }
}

function listen(server: Server, options: ServeOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, options)))
    server.listen({ port: options.port, ...(options.host === undefined ? {} : { host: options.host }) }, () => {
      server.removeAllListeners('error')
      server.on('error', (error) => options.log.error({ error }, 'server error'))
      resolve()
    })
  })
}

function listenError(error: NodeJS.ErrnoException, options: ServeOptions): BailiwickError {
  const asked = `port ${options.port}${options.host === undefined ? '' : ` on ${options.host}`}`
  const [found, todo] =
    error.code === 'EADDRINUSE'
      ? ['another program listens there', 'stop that one or choose another port']
      : error.code === 'EACCES'
        ? ['this user may not listen there', 'choose a port above 1023']
        : [error.code ?? error.message, 'choose another address or port']
  return new BailiwickError('ConfigInvalid', { asked, found, todo, cause: error })
}

async function stop(app: HttpApp, server: Server, open: OpenConnections, options: ServeOptions): Promise<void> {
  app.stopping.abort()
  await sleep(options.drainMs ?? SHUTDOWN_DRAIN)
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const limit = setTimeout(() => {
    options.log.warn({ app: app.name, connections: open.size }, 'connections cut at the end of the grace')
    open.cut()
  }, SHUTDOWN_LIMIT)
  await closed
  clearTimeout(limit)
  options.log.info({ app: app.name }, 'stopped listening')
}

/** How many files the process may have open, sockets among them; Node raises what it begins with to this. Infinity where nobody says. */
function openFilesLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined || soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft)
  } catch {
    // Not Linux.
    return Number.POSITIVE_INFINITY
  }
}

function sleep(ms: number): Promise<void> {
  return ms === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms))
}
