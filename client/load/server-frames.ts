/** What the bytes of a WebSocket server say. A payload is good only during the call. */
export interface ServerFrameEvents {
  message(payload: Uint8Array): void
  ping(payload: Uint8Array): void
  /** The server closes, or sent what is no frame of a server: nothing more is read. */
  end(reason: string): void
}

const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10
const FINAL = 0x80
/** Longer frames no server of ours sends. */
const MAX_PAYLOAD = 4 * 1024 * 1024

/**
 * Reads the unmasked frames of a server (RFC 6455, section 5), without fragments: no server of a game needs them. Made for thousands of connections
 * in one process: a frame that lies whole in the chunk is never copied.
 */
export class ServerFrames {
  readonly #events: ServerFrameEvents
  /** The beginning of a frame that a chunk cut off. */
  #rest: Uint8Array | undefined
  #ended = false

  constructor(events: ServerFrameEvents) {
    this.#events = events
  }

  push(chunk: Uint8Array): void {
    let bytes = chunk
    if (this.#rest !== undefined) {
      bytes = joined(this.#rest, chunk)
      this.#rest = undefined
    }
    let at = 0
    while (!this.#ended && at < bytes.byteLength) {
      const next = this.#frame(bytes, at)
      if (next === undefined) {
        // A copy: the chunk's memory is used again for the next read.
        if (!this.#ended) this.#rest = bytes.slice(at)
        return
      }
      at = next
    }
  }

  /** Handles the frame that begins at `at`. Answers where the next one begins; undefined when it is not whole yet. */
  #frame(bytes: Uint8Array, at: number): number | undefined {
    if (bytes.byteLength - at < 2) return undefined
    const short = bytes[at + 1] ?? 0
    const header = short < 126 ? 2 : short === 126 ? 4 : 10
    if (bytes.byteLength - at < header) return undefined
    const length = payloadLength(bytes, at, short)
    if (short > 127 || length > MAX_PAYLOAD) {
      this.#end('a frame that is masked or too long')
      return undefined
    }
    const from = at + header
    const to = from + length
    if (bytes.byteLength < to) return undefined
    this.#whole(bytes[at] ?? 0, bytes.subarray(from, to))
    return to
  }

  #whole(first: number, payload: Uint8Array): void {
    if (first === (FINAL | BINARY)) this.#events.message(payload)
    else if (first === (FINAL | PING)) this.#events.ping(payload)
    else if (first === (FINAL | CLOSE)) this.#end(closeReason(payload))
    else if (first !== (FINAL | PONG)) this.#end(`a frame that begins with byte ${first}`)
  }

  #end(reason: string): void {
    this.#ended = true
    this.#events.end(reason)
  }
}

function payloadLength(bytes: Uint8Array, at: number, short: number): number {
  if (short < 126) return short
  if (short === 126) return ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)
  let length = 0
  for (let i = 2; i < 10; i++) length = length * 256 + (bytes[at + i] ?? 0)
  return length
}

function closeReason(payload: Uint8Array): string {
  const code = payload.byteLength < 2 ? 1005 : ((payload[0] ?? 0) << 8) | (payload[1] ?? 0)
  return `closed with ${code} ${new TextDecoder().decode(payload.subarray(2))}`.trim()
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.byteLength + b.byteLength)
  both.set(a)
  both.set(b, a.byteLength)
  return both
}
