import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Log } from '../../core/ports/log-port.ts'
import type { HttpApp } from './app.ts'
import { Connections, type Tracked } from './connections.ts'
import { Dropped } from './dropped.ts'
import { networkOf, siteOf } from './network.ts'
import { Turns } from './turns.ts'

/** The sockets of one server: counts them, has the requests of each answered one after another, and cuts the one that goes when there are too many. */
export class OpenConnections {
  readonly #app: HttpApp
  readonly #surplus: Dropped
  readonly #ahead: Dropped
  readonly #table: Connections<OpenConnection>
  readonly #bySocket = new Map<Duplex, OpenConnection>()

  constructor(app: HttpApp, limit: number, log: Log) {
    this.#app = app
    this.#table = new Connections(limit)
    this.#surplus = new Dropped(log, app.name)
    this.#ahead = new Dropped(log, app.name, 'connections that send too many requests ahead are cut')
  }

  get size(): number {
    return this.#bySocket.size
  }

  add(socket: Socket): void {
    const one = new OpenConnection(socket, this.#app.listener)
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

  /** A request has come: it is answered when those before it on its connection are. */
  asked(request: IncomingMessage, response: ServerResponse): void {
    const one = this.#bySocket.get(request.socket)
    // What a packet still holds once its connection is cut, or has had its last answer, gets none, and must not be done.
    if (one === undefined || !one.socket.writable || one.asked(request, response)) return
    one.socket.resetAndDestroy()
    this.#ahead.add(this.size)
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
    this.#surplus.add(this.size)
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
  readonly #turns: Turns

  constructor(socket: Socket, listener: HttpApp['listener']) {
    this.socket = socket
    this.network = networkOf(socket.remoteAddress ?? 'unknown')
    this.site = siteOf(this.network)
    this.#turns = new Turns(({ request, response }) => listener(request, response))
  }

  /** False: it has sent too many ahead. */
  asked(request: IncomingMessage, response: ServerResponse): boolean {
    this.requests += 1
    return this.#turns.add({ request, response })
  }

  /** Who is still sending its request, or taking its answer, does not wait for us. */
  isWaiting(): boolean {
    return this.#turns.isAwaited
  }
}
