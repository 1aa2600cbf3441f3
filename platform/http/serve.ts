import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
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

export interface ServeOptions {
  /** 0 takes a free one. */
  readonly port: number
  /** Default: every address of the machine. */
  readonly host?: string
  readonly log: Log
  /** How long it answers on, not ready, after `close` was called. Default: SHUTDOWN_DRAIN; 0 where no load balancer has to notice. */
  readonly drainMs?: number
}

export interface Serving {
  readonly port: number
  /** For protocol upgrades (WebSocket). Its sockets are ended with the server. */
  readonly server: Server
  /** Stops gracefully: not ready, drain, no new connections, answers finished; at SHUTDOWN_LIMIT the rest is cut. Never rejects. */
  close(): Promise<void>
}

const MAX_CONNECTIONS = 10_000

/** Listens. Throws ConfigInvalid, naming the port, when it is taken or may not be used. */
export async function serve(app: HttpApp, options: ServeOptions): Promise<Serving> {
  const server = createServer(
    {
      headersTimeout: HTTP_HEADERS_LIMIT,
      requestTimeout: HTTP_RECEIVE_LIMIT,
      keepAliveTimeout: HTTP_KEEP_ALIVE,
      connectionsCheckingInterval: HTTP_LIMITS_CHECKED_EVERY,
      maxHeaderSize: 16 * 1024,
    },
    app.listener,
  )
  server.maxConnections = MAX_CONNECTIONS
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await listen(server, options)
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : options.port
  options.log.info({ app: app.name, port }, 'listening')
  let closing: Promise<void> | undefined
  return {
    port,
    server,
    close() {
      closing ??= stop(app, server, sockets, options)
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

async function stop(app: HttpApp, server: Server, sockets: ReadonlySet<Socket>, options: ServeOptions): Promise<void> {
  app.stopping.abort()
  await sleep(options.drainMs ?? SHUTDOWN_DRAIN)
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const limit = setTimeout(() => {
    options.log.warn({ app: app.name, connections: sockets.size }, 'connections cut at the end of the grace')
    for (const socket of sockets) socket.destroy()
  }, SHUTDOWN_LIMIT)
  await closed
  clearTimeout(limit)
  options.log.info({ app: app.name }, 'stopped listening')
}

function sleep(ms: number): Promise<void> {
  return ms === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms))
}
