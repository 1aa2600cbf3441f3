import type { Socket } from 'node:net'
import { MAX_CLIENT_FRAME } from '../../core/protocol/frame.ts'
import type { Connection, ConnectionHandler } from './connection.ts'
import { lengthPrefixedFrames } from './frame-writer.ts'
import { LengthReader } from './length-reader.ts'
import { SocketOutlet } from './socket-outlet.ts'

export class TcpConnection implements Connection {
  readonly kind = 'tcp'
  readonly address: string
  readonly #outlet: SocketOutlet
  readonly #reader = new LengthReader(MAX_CLIENT_FRAME)
  #handler: ConnectionHandler | undefined

  constructor(socket: Socket, address: string) {
    this.address = address
    this.#outlet = new SocketOutlet(socket)
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler
  }

  receive(chunk: Uint8Array): void {
    for (const event of this.#reader.push(chunk)) {
      if (!this.#outlet.open) return
      if (event.kind === 'frame') this.#handler?.frame(event.payload)
      else {
        this.#handler?.broken('FrameTooLarge', `${event.length} bytes`)
        this.#outlet.end()
      }
    }
  }

  send(frames: readonly Uint8Array[]): void {
    if (this.#outlet.open && frames.length > 0) this.#outlet.write(lengthPrefixedFrames(frames))
  }

  close(_code: number, _reason: string): void {
    this.#outlet.end()
  }

  /** Plain TCP has no ping of its own: a client that has nothing to say sends Ping messages. */
  ping(): void {}
}
