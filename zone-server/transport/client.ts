import type { Socket } from 'node:net'
import { networkOf, siteOf, type Tracked } from '../../platform/http/index.ts'
import type { ConnectionHandler } from './connection.ts'
import type { TcpConnection } from './tcp.ts'
import type { WebSocketConnection } from './websocket.ts'

/** One who is connected to the game port, from the first byte on or before it. */
export class Client implements Tracked {
  /** The one that carries frames, once there is one. */
  socket: Socket
  readonly address: string
  readonly network: string
  readonly site: string | undefined
  readonly requests = 0
  readonly kept = false
  /** What came behind the head of its request. */
  early = Buffer.alloc(0)
  connection: WebSocketConnection | TcpConnection | undefined
  handler: ConnectionHandler | undefined
  /** Silent for so many times PING_EVERY. */
  silences = 0
  /** Its first frame has come. */
  greeted = false

  constructor(socket: Socket) {
    this.socket = socket
    this.address = socket.remoteAddress ?? ''
    this.network = networkOf(this.address)
    this.site = siteOf(this.network)
  }

  /** It has said something, and was not refused. */
  isWaiting(): boolean {
    return this.greeted && this.connection?.open === true
  }
}
