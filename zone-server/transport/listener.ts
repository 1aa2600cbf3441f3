import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { BailiwickError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { CONNECTION_END_LIMIT, HELLO_DEADLINE, PING_EVERY } from '../../core/timing.ts'
import { Dropped } from '../../platform/http/index.ts'
import { Admittance, type ConnectionLimits } from './admittance.ts'
import { Client } from './client.ts'
import type { Connection, ConnectionHandler } from './connection.ts'
import { withReusedReads } from './reused-reads.ts'
import { TcpConnection } from './tcp.ts'
import { handshake, httpAnswer, WebSocketConnection } from './websocket.ts'

export interface ListenerOptions {
  /** 0 takes a free one. */
  readonly port: number
  /** Default: every address of the machine. */
  readonly host?: string | undefined
  /** Default: DEFAULT_LIMITS. */
  readonly limits?: Partial<ConnectionLimits>
  readonly log: Log
  /** A connection was cut, or not taken, because there are too many. */
  readonly onDropped?: () => void
  /** A client came: answers who listens to it. */
  readonly onConnection: (connection: Connection) => ConnectionHandler
}

export interface Listener {
  readonly port: number
  connections(): number
  /** Bytes sent to and received from all clients since it listens. */
  carried(): { readonly sent: number; readonly received: number }
  /** Takes nobody more, ends every connection and resolves when all are gone. */
  close(): Promise<void>
  /** Cuts every connection without a word; `close` is still to be called. */
  cut(): void
}

const HEAD_END = '\r\n\r\n'
/** So long may the head of a request be, bytes. */
const MAX_HEAD = 8 * 1024

/** 'G' of GET: as the first byte of a length it would announce more than a gigabyte, so the two can't be mixed up. */
const HTTP_START = 0x47

const nothing = Buffer.alloc(0)

type Carried = ReturnType<Listener['carried']>

function plus({ sent, received }: Carried, socket: Socket): Carried {
  return { sent: sent + socket.bytesWritten, received: received + socket.bytesRead }
}

/** Listens for game clients, WebSocket and plain TCP on one port. Throws ConfigInvalid when the port can't be had. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const clients = new Map<Socket, Client>()
  const admittance = new Admittance<Client>(options.limits)
  const dropped = new Dropped(options.log, 'game port')
  /** What those carried that are gone. */
  let gone: Carried = { sent: 0, received: 0 }
  const http = upgradeServer((socket, head) => {
    const client = clients.get(socket)
    if (client === undefined) return
    const first = Buffer.concat([client.early, head])
    // It is part of all that came with the request, up to 64 KiB, which would lie there for as long as the client stays.
    client.early = nothing
    adopt(client, first, 'websocket', options, admittance)
  })
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    const client = new Client(socket)
    const surplus = admittance.enter(client)
    if (surplus !== undefined) {
      options.onDropped?.()
      dropped.add(clients.size)
    }
    if (surplus === client) {
      socket.destroy()
      return
    }
    // With a reset: what it does not take must not lie in the kernel for minutes.
    surplus?.socket.resetAndDestroy()
    const helloTimer = accept(client, http, (first) => adopt(client, first, 'tcp', options, admittance))
    clients.set(socket, client)
    socket.once('close', () => {
      clearTimeout(helloTimer)
      clients.delete(socket)
      gone = plus(gone, client.socket)
      admittance.left(client)
      client.handler?.closed()
    })
  })
  const port = await bind(server, options)
  const sweep = setInterval(() => pingAll(clients), PING_EVERY)
  const cut = (): void => {
    for (const { socket } of clients.values()) socket.destroy()
  }
  return {
    port,
    connections: () => clients.size,
    carried: () => [...clients.values()].reduce((sum, { socket }) => plus(sum, socket), gone),
    cut,
    async close() {
      clearInterval(sweep)
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const client of clients.values()) {
        if (client.connection === undefined) client.socket.destroy()
        else client.connection.close(1001, 'the server ends')
      }
      const limit = setTimeout(cut, CONNECTION_END_LIMIT)
      await closed
      clearTimeout(limit)
      http.close()
    },
  }
}

/** Waits for the first byte, which says what the client speaks. Answers what waits for its first frame. */
function accept(client: Client, http: HttpServer, onTcp: (first: Buffer) => void): NodeJS.Timeout {
  const { socket } = client
  let came = Buffer.alloc(0)
  const onData = (chunk: Buffer): void => {
    if (came.byteLength === 0 && chunk[0] !== HTTP_START) {
      socket.off('data', onData)
      onTcp(chunk)
      return
    }
    came = Buffer.concat([came, chunk])
    const end = came.indexOf(HEAD_END)
    if (end < 0) {
      if (came.byteLength > MAX_HEAD) endWith(socket, httpAnswer('431 Request Header Fields Too Large'))
      return
    }
    // One head and no more: what is behind it is frames, or more requests, each of which would cost a hundred times what it costs to send.
    const head = end + HEAD_END.length
    socket.off('data', onData)
    socket.pause()
    client.early = came.subarray(head)
    socket.unshift(came.subarray(0, head))
    http.emit('connection', socket)
    socket.resume()
  }
  socket.on('data', onData)
  return setTimeout(() => {
    if (client.greeted) return
    if (client.handler === undefined) socket.destroy()
    else client.handler.late()
  }, HELLO_DEADLINE)
}

/** From now on the socket carries frames. `first` are bytes that came already. */
function adopt(client: Client, first: Buffer, kind: 'websocket' | 'tcp', options: ListenerOptions, admittance: Admittance<Client>): void {
  const socket = withReusedReads(client.socket, (chunk, length) => receive(chunk, length))
  client.socket = socket
  socket.on('error', () => socket.destroy())
  const Kind = kind === 'websocket' ? WebSocketConnection : TcpConnection
  const connection = new Kind(socket, client.address, () => admittance.keep(client))
  const handler = options.onConnection(connection)
  client.connection = connection
  client.handler = handler
  connection.start({
    frame(bytes, from, to) {
      client.greeted = true
      connection.start(handler)
      handler.frame(bytes, from, to)
    },
    late: () => handler.late(),
    broken: (reason, detail) => handler.broken(reason, detail),
    closed: () => handler.closed(),
  })
  const receive = (chunk: Buffer, length: number): void => {
    client.silences = 0
    connection.receive(chunk, length)
  }
  // The peer has ended its side: so do we, after what is still to be sent.
  socket.on('end', () => connection.close(1000, ''))
  if (first.byteLength > 0) receive(first, first.byteLength)
}

/** An HTTP server that is fed sockets by hand and does nothing but upgrade. */
function upgradeServer(onUpgrade: (socket: Socket, head: Buffer) => void): HttpServer {
  const http = createHttpServer({ maxHeaderSize: MAX_HEAD, keepAlive: false }, (request, response) => {
    response.shouldKeepAlive = false
    endWith(request.socket, httpAnswer('426 Upgrade Required'))
  })
  http.on('clientError', (_error, socket) => {
    if (socket.writable) endWith(socket, httpAnswer('400 Bad Request'))
    else socket.destroy()
  })
  http.on('upgrade', (request, socket, head) => {
    const answer = handshake(request)
    if ('refused' in answer) {
      endWith(socket, answer.refused)
      return
    }
    socket.write(answer.accepted)
    onUpgrade(request.socket, head)
  })
  return http
}

/** Says that, which the kernel takes at once, and is gone: nothing that comes behind is read. */
function endWith(socket: Duplex, answer: string): void {
  if (socket.destroyed) return
  socket.write(answer)
  socket.destroy()
}

/** A connection that was silent is pinged; silent through two pings, it is cut. */
function pingAll(clients: ReadonlyMap<Socket, Client>): void {
  for (const client of clients.values()) {
    if (client.connection === undefined) continue
    if (client.silences++ === 0) continue
    if (client.silences > 3) client.socket.destroy()
    else client.connection.ping()
  }
}

function bind(server: Server, options: ListenerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const found = cause.code === 'EADDRINUSE' ? 'another program listens there' : cause.message
      reject(new BailiwickError('ConfigInvalid', { asked: `game port ${options.port}`, found, todo: 'choose another port', cause }))
    })
    server.listen({ port: options.port, ...(options.host === undefined ? {} : { host: options.host }) }, () => {
      server.removeAllListeners('error')
      server.on('error', (error) => options.log.error({ error }, 'game port error'))
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : options.port)
    })
  })
}
