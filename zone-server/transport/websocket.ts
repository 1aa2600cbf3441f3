import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { MAX_CLIENT_FRAME } from '../../core/protocol/frame.ts'
import { type BrokenReason, CLOSE, type Connection, type ConnectionHandler } from './connection.ts'
import { FrameBudget } from './frame-budget.ts'
import { FrameReader, OPCODE, type ReaderSink } from './frame-reader.ts'
import { closePayload, prependHeader, webSocketFrames } from './frame-writer.ts'
import { SocketOutlet } from './socket-outlet.ts'
import { viewOf } from './views.ts'

/** RFC 6455, section 1.3. */
const HANDSHAKE_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** The answer to an upgrade request: the lines to write, or why it is none. */
export function handshake(request: IncomingMessage): { readonly accepted: string } | { readonly refused: string } {
  const key = request.headers['sec-websocket-key'] ?? ''
  if (request.method !== 'GET' || request.headers.upgrade?.toLowerCase() !== 'websocket')
    return { refused: httpAnswer('426 Upgrade Required') }
  if (request.headers['sec-websocket-version'] !== '13') return { refused: httpAnswer('426 Upgrade Required') }
  if (!/^[+/0-9A-Za-z]{22}==$/.test(key)) return { refused: httpAnswer('400 Bad Request') }
  const accept = createHash('sha1')
    .update(key + HANDSHAKE_GUID)
    .digest('base64')
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`]
  return { accepted: `${lines.join('\r\n')}\r\n\r\n` }
}

/** A whole HTTP answer that ends the connection. */
export function httpAnswer(status: string): string {
  const body = 'This is the game port of a zone server: connect by WebSocket (version 13) or plain TCP.\n'
  const lines = [`HTTP/1.1 ${status}`, 'Connection: close', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Content-Type: text/plain']
  return `${lines.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}

/** What a close code says to the owner of the connection. */
const BROKEN: ReadonlyMap<number, BrokenReason> = new Map([
  [CLOSE.tooBig, 'FrameTooLarge'],
  [CLOSE.policyViolation, 'TooManyRequests'],
])

export class WebSocketConnection implements Connection {
  readonly kind = 'websocket'
  readonly address: string
  readonly keep: () => void
  readonly #budget = new FrameBudget(performance.now())
  readonly #outlet: SocketOutlet
  readonly #reader: FrameReader
  #handler: ConnectionHandler | undefined

  constructor(socket: Socket, address: string, keep: () => void) {
    this.address = address
    this.keep = () => {
      this.#budget.widen()
      keep()
    }
    this.#outlet = new SocketOutlet(socket)
    this.#reader = new FrameReader(MAX_CLIENT_FRAME, this.#sink, () => this.#budget.take())
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler
  }

  /** Takes the first `length` bytes of the chunk, which is written over. */
  receive(chunk: Uint8Array, length: number): void {
    if (!this.#outlet.open) return
    this.#budget.at(performance.now())
    this.#reader.push(chunk, length)
  }

  send(frames: readonly Uint8Array[]): void {
    if (this.#outlet.open && frames.length > 0) this.#outlet.write(webSocketFrames(OPCODE.binary, frames))
  }

  /** False from when this side ended it. */
  get open(): boolean {
    return this.#outlet.open
  }

  get ready(): boolean {
    return this.#outlet.ready
  }

  sendInPlace(buffer: Buffer, from: number, to: number): boolean {
    return this.#outlet.writeShared(viewOf(buffer, prependHeader(buffer, OPCODE.binary, from, to), to))
  }

  close(code: number, reason: string): void {
    this.#outlet.end(webSocketFrames(OPCODE.close, [closePayload(code, reason)]))
  }

  ping(): void {
    this.#outlet.write(webSocketFrames(OPCODE.ping, [new Uint8Array(0)]))
  }

  // What comes after our own close frame is of no interest.
  readonly #sink: ReaderSink = {
    message: (bytes, from, to) => {
      if (this.#outlet.open) this.#handler?.frame(bytes, from, to)
    },
    ping: (payload) => this.#outlet.write(webSocketFrames(OPCODE.pong, [payload])),
    pong: () => undefined,
    close: (code) => this.close(code ?? CLOSE.normal, ''),
    error: (code, reason) => {
      if (!this.#outlet.open) return
      this.#handler?.broken(BROKEN.get(code) ?? 'FrameInvalid', reason)
      this.close(code, reason)
    },
  }
}
