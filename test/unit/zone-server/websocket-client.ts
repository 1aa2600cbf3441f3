import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { WebSocket } from 'ws'

export interface WireOptions {
  /** What is written goes out in pieces of so many bytes, each in a turn of the event loop of its own; 0: as it was written. */
  readonly piece: number
  /** Offers to compress, which the server does not take. */
  readonly deflate: boolean
  /** The four bytes of each mask; undefined: as `ws` makes them. */
  readonly mask?: readonly number[] | undefined
}

/** A client of `ws` over a socket that this test holds: what `ws` would never send is written beside it. */
export class WireClient {
  readonly socket: WebSocket
  readonly wire: Socket
  readonly messages: Buffer[] = []
  readonly pongs: Buffer[] = []
  /** The code that the server ended it with. */
  readonly closed: Promise<number>

  private constructor(socket: WebSocket, wire: Socket) {
    this.socket = socket
    this.wire = wire
    socket.on('message', (data: Buffer) => this.messages.push(Buffer.from(data)))
    socket.on('pong', (data: Buffer) => this.pongs.push(Buffer.from(data)))
    socket.on('error', () => undefined)
    this.closed = new Promise((resolve) => socket.once('close', (code: number) => resolve(code)))
  }

  static async open(port: number, { piece, deflate, mask }: WireOptions): Promise<WireClient> {
    const wire = connect({ port, host: '127.0.0.1', noDelay: true })
    if (piece > 0) inPieces(wire, piece)
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, {
      createConnection: () => wire,
      perMessageDeflate: deflate,
      ...(mask === undefined ? {} : { generateMask: (buffer: Buffer) => void buffer.set(mask) }),
    })
    const client = new WireClient(socket, wire)
    await once(socket, 'open')
    return client
  }

  /** Waits until it holds, or the connection is over. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds() && this.socket.readyState !== WebSocket.CLOSED) await new Promise((resolve) => setTimeout(resolve, 1))
  }

  end(): void {
    this.socket.terminate()
  }
}

type Done = (error?: Error | null) => void

/** Lets `socket` write no more than `size` bytes at a time. */
function inPieces(socket: Socket, size: number): void {
  const write = socket.write.bind(socket)
  const end = socket.end.bind(socket)
  const waiting: (() => void)[] = []
  let pumping = false
  const pump = (): void => {
    const next = waiting.shift()
    pumping = next !== undefined
    next?.()
    if (pumping) setImmediate(pump)
  }
  const later = (work: () => void): void => {
    waiting.push(work)
    if (!pumping) pump()
  }
  const chopped = (data: string | Uint8Array, encoding?: BufferEncoding | Done, done?: Done): boolean => {
    const bytes = typeof data === 'string' ? Buffer.from(data, typeof encoding === 'string' ? encoding : 'utf8') : Buffer.from(data)
    for (let at = 0; at < bytes.length; at += size) later(() => void write(bytes.subarray(at, at + size)))
    const call = typeof encoding === 'function' ? encoding : done
    if (call !== undefined) later(() => call())
    return true
  }
  const ended = (): Socket => {
    later(() => void end())
    return socket
  }
  Object.assign(socket, { write: chopped, end: ended, cork: () => undefined, uncork: () => undefined })
}
