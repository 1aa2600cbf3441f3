import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Log } from '../../core/ports/log-port.ts'
import type { HttpApp } from './app.ts'
import { Connections, type Tracked } from './connections.ts'
import { Dropped } from './dropped.ts'
import { networkOf, siteOf } from './network.ts'

/** The sockets of one server: counts them, and cuts the one that goes when there are too many. */
export class OpenConnections {
  readonly #app: HttpApp
  readonly #dropped: Dropped
  readonly #table: Connections<OpenConnection>
  readonly #bySocket = new Map<Duplex, OpenConnection>()

  constructor(app: HttpApp, limit: number, log: Log) {
    this.#app = app
    this.#dropped = new Dropped(log, app.name)
    this.#table = new Connections(limit)
  }

  get size(): number {
    return this.#bySocket.size
  }

  add(socket: Socket): void {
    const one = new OpenConnection(socket)
    this.#bySocket.set(socket, one)
    socket.once('close', () => {
      this.#bySocket.delete(socket)
      this.#table.delete(one)
      this.#count()
    })
    this.#count()
    const surplus = this.#table.add(one)
    if (surplus !== undefined) this.#drop(surplus)
  }

  /** A request has begun. */
  asked(request: IncomingMessage, response: ServerResponse): void {
    this.#bySocket.get(request.socket)?.asked(request, response)
  }

  /** See Serving.keep. */
  keep(socket: Duplex): void {
    const one = this.#bySocket.get(socket)
    if (one !== undefined) one.kept = true
  }

  /** All of them. */
  cut(): void {
    for (const socket of this.#bySocket.keys()) socket.destroy()
  }

  #drop(one: OpenConnection): void {
    // With a reset: what it does not take must not lie in the kernel for minutes.
    one.socket.resetAndDestroy()
    this.#app.inside.meters.dropped.add({ app: this.#app.name })
    this.#dropped.add(this.size)
  }

  #count(): void {
    this.#app.inside.meters.connections.set(this.size, { app: this.#app.name })
  }
}

class OpenConnection implements Tracked {
  readonly socket: Socket
  readonly network: string
  readonly site: string | undefined
  requests = 0
  kept = false
  #request: IncomingMessage | undefined
  #response: ServerResponse | undefined

  constructor(socket: Socket) {
    this.socket = socket
    this.network = networkOf(socket.remoteAddress ?? 'unknown')
    this.site = siteOf(this.network)
  }

  asked(request: IncomingMessage, response: ServerResponse): void {
    this.requests += 1
    this.#request = request
    this.#response = response
  }

  /** Who is still sending its request, or taking its answer, does not wait for us. */
  isWaiting(): boolean {
    return this.#request?.complete === true && this.#response?.headersSent === false
  }
}
