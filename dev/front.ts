import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ZoneId } from '../core/ids.ts'
import type { HttpApp, Serving } from '../platform/http/index.ts'
import { serveStatic } from './static.ts'

export interface FrontRoutes {
  readonly auth: HttpApp
  readonly characters: HttpApp
  readonly allocator: HttpApp
  /** The content of a zone, as hosts read it; undefined: it has none. */
  readonly contentOf: (zone: ZoneId) => Promise<string | undefined>
}

/** Answers for all services on the one port of the embedded world, by path; and for the page. */
export function frontListener(routes: FrontRoutes): RequestListener {
  return (request, response) => void dispatch(routes, request, response)
}

/** Hands game sockets (WebSocket upgrades of /hosts/NAME) to their host's thread. */
export function passUpgrades({ server, keep }: Pick<Serving, 'server' | 'keep'>, gamePort: (host: string) => number | undefined): void {
  server.on('upgrade', (request, socket, head) => {
    keep(socket)
    passOn(gamePort, request, socket, head)
  })
}

async function dispatch(routes: FrontRoutes, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
  if (/^\/v1\/(accounts|sessions|admin|oidc)(\/|$)/.test(path) || path.startsWith('/.well-known/'))
    return routes.auth.listener(request, response)
  if (/^\/v1\/characters(\/|$)/.test(path)) return routes.characters.listener(request, response)
  if (await serveStatic(request, path, response)) return
  const zone = /^\/content\/([a-z0-9-]{1,63})\/([a-z0-9-]{1,63})$/.exec(path)
  if (zone !== null && request.method === 'GET') return sendContent(await routes.contentOf(`${zone[1]}/${zone[2]}`), response)
  routes.allocator.listener(request, response)
}

/** What the page draws walls from. A game's own client knows its maps. */
function sendContent(content: string | undefined, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  response.end(content ?? '{}')
}

/** Hands a WebSocket upgrade for /hosts/NAME to that host, byte by byte; the host itself checks the handshake. */
function passOn(gamePort: (host: string) => number | undefined, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  // The server let go of it: a reset that nobody listens to would end the process.
  socket.on('error', () => socket.destroy())
  const host = /^\/hosts\/([a-z0-9-]{1,63})$/.exec(request.url ?? '')?.[1]
  const port = host === undefined ? undefined : gamePort(host)
  if (port === undefined) {
    socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
    return
  }
  const upstream = connect({ host: '127.0.0.1', port, noDelay: true })
  const headers: string[] = []
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) headers.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`)
  upstream.write(`${request.method} / HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`)
  upstream.write(head)
  upstream.pipe(socket).pipe(upstream)
  upstream.on('error', () => socket.destroy())
  socket.on('error', () => upstream.destroy())
  upstream.on('close', () => socket.destroy())
  socket.on('close', () => upstream.destroy())
}
