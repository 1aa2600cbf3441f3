import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { ServerFrames } from './server-frames.ts'

/** What a connection tells its owner. */
export interface RawSocketEvents {
  open(): void
  /** A whole binary message; its bytes are good only during the call. */
  message(payload: Uint8Array): void
  /** It is over; called once, last. */
  closed(reason: string): void
}

export interface Place {
  readonly host: string
  readonly port: number
  readonly path: string
}

/** All connections read into this: a read is looked at before the next one begins. */
const readBuffer = new Uint8Array(64 * 1024)
const BINARY = 0x82
const PONG = 0x8a
const MASKED = 0x80
const HEAD_LIMIT = 8 * 1024

/** A WebSocket client with as little between it and the socket as Node allows, so that one process drives thousands. */
export class RawSocket {
  readonly #events: RawSocketEvents
  readonly #socket: Socket
  readonly #frames: ServerFrames
  readonly #key = randomBytes(4)
  /** The answer to the handshake as far as it came; undefined once it is whole. */
  #head: string | undefined = ''
  #closed = false
  /** Bytes that came, of whatever kind. */
  received = 0

  constructor(place: Place, events: RawSocketEvents) {
    this.#events = events
    this.#frames = new ServerFrames({
      message: (payload) => events.message(payload),
      ping: (payload) => this.#write(PONG, payload),
      end: (reason) => this.#end(reason),
    })
    const { host, port } = place
    this.#socket = connect({
      ...{ host, port, noDelay: true },
      onread: { buffer: readBuffer, callback: (count, bytes) => this.#read(bytes.subarray(0, count)) },
    })
    this.#socket.once('connect', () => this.#socket.write(request(place)))
    this.#socket.on('error', (error) => this.#end(error.message))
    this.#socket.on('close', () => this.#end('the connection ended'))
  }

  /** Sends a binary message of at most 65,535 bytes. */
  send(payload: Uint8Array): void {
    this.#write(BINARY, payload)
  }

  destroy(): void {
    this.#end('destroyed')
  }

  #write(first: number, payload: Uint8Array): void {
    if (this.#closed) return
    const length = payload.byteLength
    const header = length < 126 ? 6 : 8
    const frame = Buffer.allocUnsafe(header + length)
    frame[0] = first
    if (length < 126) frame[1] = MASKED | length
    else {
      frame[1] = MASKED | 126
      frame.writeUInt16BE(length, 2)
    }
    frame.set(this.#key, header - 4)
    for (let i = 0; i < length; i++) frame[header + i] = (payload[i] ?? 0) ^ (this.#key[i & 3] ?? 0)
    this.#socket.write(frame)
  }

  /** Answers whether the socket is to be read on. */
  #read(bytes: Uint8Array): boolean {
    if (this.#closed) return true
    this.received += bytes.byteLength
    if (this.#head === undefined) this.#frames.push(bytes)
    else this.#handshake(bytes)
    return true
  }

  #handshake(bytes: Uint8Array): void {
    const head = this.#head + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) {
      if (head.length > HEAD_LIMIT) this.#end('an answer to the handshake without an end')
      this.#head = head
      return
    }
    this.#head = undefined
    if (!head.startsWith('HTTP/1.1 101 ')) {
      this.#end(`the handshake was answered ${head.slice(0, 60)}`)
      return
    }
    this.#events.open()
    const rest = Buffer.from(head.slice(end + 4), 'latin1')
    if (rest.byteLength > 0) this.#frames.push(rest)
  }

  #end(reason: string): void {
    if (this.#closed) return
    this.#closed = true
    this.#socket.destroy()
    this.#events.closed(reason)
  }
}

function request({ host, port, path }: Place): string {
  const lines = [`GET ${path} HTTP/1.1`, `Host: ${host}:${port}`, 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13']
  return `${lines.join('\r\n')}\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`
}
