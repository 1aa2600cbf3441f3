import { CLOSE } from './connection.ts'
import { TOO_MANY_FRAMES } from './frame-budget.ts'

/** Hears what the bytes of a WebSocket client say. After `close` and `error` nothing more comes. */
export interface ReaderSink {
  /** A whole message at `from` … `to`: valid during the call only. */
  message(bytes: Uint8Array, from: number, to: number): void
  /** Valid during the call only. */
  ping(payload: Uint8Array): void
  pong(): void
  close(code: number | undefined): void
  error(code: number, reason: string): void
}

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const
const MAX_CONTROL = 125
/** Two bytes and the mask: the header of a frame of less than 126 bytes. */
const SHORT_HEADER = 6
const WHOLE_BINARY = 0x80 | OPCODE.binary
const noBytes = new Uint8Array(0)

/**
 * Reads the frames of a WebSocket client (RFC 6455, section 5) from chunks of any size. Binary messages only, up to `limit` bytes over all
 * fragments; never holds more than that and one header. A length is judged before its payload is waited for. What is read in one piece is
 * unmasked where it stands, so the chunk is written over.
 */
export class FrameReader {
  readonly #limit: number
  readonly #sink: ReaderSink
  readonly #mayGoOn: () => boolean
  /** The header as far as it came: at most 2 + 8 + 4 bytes. */
  readonly #header = new Uint8Array(14)
  #headerLength = 0
  #payload: Uint8Array | undefined
  #filled = 0
  #message: Uint8Array = noBytes
  #fragmented = false
  #ended = false

  /** `mayGoOn`: asked with each frame, whether it may be one more. */
  constructor(limit: number, sink: ReaderSink, mayGoOn: () => boolean) {
    this.#limit = limit
    this.#sink = sink
    this.#mayGoOn = mayGoOn
  }

  /** Takes the next bytes, the first `length` of the chunk, and tells what they complete, in order. */
  push(chunk: Uint8Array, length = chunk.byteLength): void {
    let at = 0
    while (!this.#ended) {
      if (this.#payload === undefined) {
        if (this.#headerLength === 0) at = this.#takeShort(chunk, at, length)
        at = this.#takeHeader(chunk, at, length)
        if (this.#payload === undefined) break
      }
      at = this.#takePayload(chunk, at, length, this.#payload)
      if (this.#filled < this.#payload.byteLength) break
      const payload = this.#payload
      this.#payload = undefined
      this.#headerLength = 0
      this.#complete(payload)
    }
  }

  /** The way of nearly all frames: small binary messages that lie whole in the chunk. Answers how far it came. */
  #takeShort(chunk: Uint8Array, from: number, end: number): number {
    let at = from
    while (!this.#ended && !this.#fragmented && at + SHORT_HEADER <= end && chunk[at] === WHOLE_BINARY) {
      const size = (chunk[at + 1] ?? 0) - 0x80
      const start = at + SHORT_HEADER
      if (size < 0 || size > MAX_CONTROL || size > this.#limit || start + size > end) break
      if (!this.#isOneMore()) break
      unmask(chunk, start, size, at + 2)
      at = start + size
      this.#sink.message(chunk, start, at)
    }
    return at
  }

  /** Fills the header and, when it is whole and right, makes room for the payload. Answers how far the chunk was read. */
  #takeHeader(chunk: Uint8Array, from: number, end: number): number {
    let at = from
    while (at < end && this.#headerLength < this.#headerSize()) {
      this.#header[this.#headerLength++] = chunk[at++] ?? 0
      // Judged as soon as it is there: the rest of a wrong frame is never waited for.
      if (this.#headerLength === 2 && this.#judgeStart()) return at
    }
    if (this.#ended || this.#headerLength < this.#headerSize()) return at
    const length = this.#payloadLength()
    if (length === undefined) this.#fail(CLOSE.protocolError, 'the length is not written in the fewest bytes')
    else if (length + this.#message.byteLength > this.#limit) this.#fail(CLOSE.tooBig, `more than ${this.#limit} bytes`)
    else {
      this.#payload = new Uint8Array(length)
      this.#filled = 0
    }
    return at
  }

  #headerSize(): number {
    if (this.#headerLength < 2) return 2
    const short = (this.#header[1] ?? 0) & 0x7f
    return 2 + (short === 127 ? 8 : short === 126 ? 2 : 0) + 4
  }

  /** Judges the first two bytes. Answers true when they were wrong. */
  #judgeStart(): boolean {
    const [first = 0, second = 0] = this.#header
    const opcode = first & 0x0f
    const final = (first & 0x80) !== 0
    const wrong = startFault(first, second, opcode, final, this.#fragmented)
    if (wrong !== undefined) this.#fail(wrong.code, wrong.reason)
    return wrong !== undefined
  }

  /** Undefined when the length is not in its shortest form. */
  #payloadLength(): number | undefined {
    const short = (this.#header[1] ?? 0) & 0x7f
    const view = new DataView(this.#header.buffer)
    if (short < 126) return short
    if (short === 126) {
      const length = view.getUint16(2)
      return length < 126 ? undefined : length
    }
    const length = view.getUint32(2) * 2 ** 32 + view.getUint32(6)
    return length < 65_536 ? undefined : length
  }

  /** Copies and unmasks what the chunk holds of the payload. */
  #takePayload(chunk: Uint8Array, from: number, end: number, payload: Uint8Array): number {
    const count = Math.min(end - from, payload.byteLength - this.#filled)
    const mask = this.#headerLength - 4
    for (let i = 0; i < count; i++) {
      const to = this.#filled + i
      payload[to] = (chunk[from + i] ?? 0) ^ (this.#header[mask + (to & 3)] ?? 0)
    }
    this.#filled += count
    return from + count
  }

  /** False when it was one too many: nothing is read any more. */
  #isOneMore(): boolean {
    if (this.#mayGoOn()) return true
    this.#fail(CLOSE.policyViolation, TOO_MANY_FRAMES)
    return false
  }

  #complete(payload: Uint8Array): void {
    if (!this.#isOneMore()) return
    const first = this.#header[0] ?? 0
    const opcode = first & 0x0f
    if (opcode === OPCODE.ping) this.#sink.ping(payload)
    else if (opcode === OPCODE.pong) this.#sink.pong()
    else if (opcode === OPCODE.close) this.#closed(payload)
    else {
      const message = this.#message.byteLength === 0 ? payload : joined(this.#message, payload)
      this.#fragmented = (first & 0x80) === 0
      this.#message = this.#fragmented ? message : noBytes
      if (!this.#fragmented) this.#sink.message(message, 0, message.byteLength)
    }
  }

  #closed(payload: Uint8Array): void {
    const code = payload.byteLength === 0 ? undefined : payload.byteLength === 1 ? 0 : ((payload[0] ?? 0) << 8) | (payload[1] ?? 0)
    if (code !== undefined && !isCloseCode(code)) this.#fail(CLOSE.protocolError, `close code ${code}`)
    else if (!isText(payload.subarray(2))) this.#fail(CLOSE.invalidText, 'a close reason that is no UTF-8')
    else {
      this.#ended = true
      this.#sink.close(code)
    }
  }

  #fail(code: number, reason: string): void {
    this.#ended = true
    this.#message = noBytes
    this.#sink.error(code, reason)
  }
}

/** Takes the mask of the four bytes at `mask` from `count` bytes. */
function unmask(bytes: Uint8Array, from: number, count: number, mask: number): void {
  for (let i = 0; i < count; i++) bytes[from + i] = (bytes[from + i] ?? 0) ^ (bytes[mask + (i & 3)] ?? 0)
}

function startFault(
  first: number,
  second: number,
  opcode: number,
  final: boolean,
  fragmented: boolean,
): { code: number; reason: string } | undefined {
  const protocol = (reason: string) => ({ code: CLOSE.protocolError, reason })
  if ((first & 0x70) !== 0) return protocol('a reserved bit is set')
  if ((second & 0x80) === 0) return protocol('a frame without a mask')
  if (opcode >= OPCODE.close) {
    if (opcode > OPCODE.pong) return protocol(`opcode ${opcode}`)
    if (!final) return protocol('a control frame in fragments')
    if ((second & 0x7f) > MAX_CONTROL) return protocol('a control frame of more than 125 bytes')
    return undefined
  }
  if (opcode === OPCODE.text) return { code: CLOSE.unsupportedData, reason: 'text; frames are binary' }
  if (opcode > OPCODE.binary) return protocol(`opcode ${opcode}`)
  if (opcode === OPCODE.continuation && !fragmented) return protocol('a continuation of nothing')
  if (opcode === OPCODE.binary && fragmented) return protocol('a message within a message')
  return undefined
}

/** Codes that may stand in a close frame (RFC 6455, section 7.4). */
function isCloseCode(code: number): boolean {
  return (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999)
}

function isText(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.byteLength + b.byteLength)
  both.set(a)
  both.set(b, a.byteLength)
  return both
}
