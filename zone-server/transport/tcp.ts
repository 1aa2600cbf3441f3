import type { Socket } from 'node:net'
import { describeError } from '../../core/errors.ts'
import { MAX_CLIENT_FRAME } from '../../core/protocol/frame.ts'
import { LENGTH_BYTES, LengthPrefixReader, withLength } from '../../core/protocol/length-prefix.ts'
import type { BrokenReason, Connection, ConnectionHandler } from './connection.ts'
import { FrameBudget, TOO_MANY_FRAMES } from './frame-budget.ts'
import { SocketOutlet } from './socket-outlet.ts'
import { viewOf } from './views.ts'

export class TcpConnection implements Connection {
  readonly kind = 'tcp'
  readonly address: string
  readonly keep: () => void
  readonly #budget = new FrameBudget(performance.now())
  readonly #outlet: SocketOutlet
  readonly #reader = new LengthPrefixReader(MAX_CLIENT_FRAME)
  #handler: ConnectionHandler | undefined

  constructor(socket: Socket, address: string, keep: () => void) {
    this.address = address
    this.keep = () => {
      this.#budget.widen()
      keep()
    }
    this.#outlet = new SocketOutlet(socket)
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler
  }

  receive(chunk: Uint8Array, length: number): void {
    if (!this.#outlet.open) return
    let frames: readonly Uint8Array[]
    try {
      frames = this.#reader.push(chunk.subarray(0, length))
    } catch (error) {
      this.#break('FrameTooLarge', describeError(error))
      return
    }
    this.#budget.at(performance.now())
    for (const frame of frames) {
      if (!this.#outlet.open) return
      if (this.#budget.take()) this.#handler?.frame(frame, 0, frame.byteLength)
      else this.#break('TooManyRequests', TOO_MANY_FRAMES)
    }
  }

  #break(reason: BrokenReason, detail: string): void {
    this.#handler?.broken(reason, detail)
    this.#outlet.end()
  }

  send(frames: readonly Uint8Array[]): void {
    if (this.#outlet.open && frames.length > 0) this.#outlet.write(Buffer.concat(frames.map(withLength)))
  }

  /** False from when this side ended it. */
  get open(): boolean {
    return this.#outlet.open
  }

  get ready(): boolean {
    return this.#outlet.ready
  }

  sendInPlace(buffer: Buffer, from: number, to: number): boolean {
    buffer.writeUInt32BE(to - from, from - LENGTH_BYTES)
    return this.#outlet.writeShared(viewOf(buffer, from - LENGTH_BYTES, to))
  }

  close(_code: number, _reason: string): void {
    this.#outlet.end()
  }

  /** Plain TCP has no ping of its own: a client that has nothing to say sends Ping messages. */
  ping(): void {}
}
