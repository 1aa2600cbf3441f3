import type { Socket } from 'node:net'
import { CONNECTION_END_LIMIT } from '../../core/timing.ts'
import { MAX_BUFFERED } from './connection.ts'

/** The sending side of a socket, bounded: what the peer does not take is not hoarded. */
export class SocketOutlet {
  readonly #socket: Socket
  #open = true
  /** The last write was not taken at once. */
  #stuck = false

  constructor(socket: Socket) {
    this.#socket = socket
    socket.once('close', () => {
      this.#open = false
    })
  }

  get open(): boolean {
    return this.#open
  }

  write(bytes: Uint8Array): void {
    if (!this.open) return
    this.#socket.write(bytes)
    const waiting = this.#socket.writableLength
    this.#stuck = waiting > 0
    if (waiting > MAX_BUFFERED) this.#socket.destroy()
  }

  /** True when everything that was written has been taken. */
  get ready(): boolean {
    return this.#open && (!this.#stuck || this.#socket.writableLength === 0)
  }

  /** Writes bytes that are used again at once if they may: answers true when they are still needed. */
  writeShared(bytes: Buffer): boolean {
    this.write(bytes)
    return this.#stuck
  }

  /** Sends `last`, ends our side, and cuts the connection when the peer does not end its own within CONNECTION_END_LIMIT. */
  end(last?: Uint8Array): void {
    if (!this.open) return
    this.#open = false
    if (last === undefined) this.#socket.end()
    else this.#socket.end(last)
    const limit = setTimeout(() => this.#socket.destroy(), CONNECTION_END_LIMIT)
    this.#socket.once('close', () => clearTimeout(limit))
  }
}
