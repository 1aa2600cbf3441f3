import { CLOSE } from './connection.ts'

/** What the bytes of a WebSocket client say. After 'close' and 'error' nothing more is read. */
export type ReaderEvent =
  | { readonly kind: 'message'; readonly payload: Uint8Array }
  | { readonly kind: 'ping'; readonly payload: Uint8Array }
  | { readonly kind: 'pong' }
  | { readonly kind: 'close'; readonly code: number | undefined }
  | { readonly kind: 'error'; readonly code: number; readonly reason: string }

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const
const MAX_CONTROL = 125
const noBytes = new Uint8Array(0)

/**
 * Reads the frames of a WebSocket client (RFC 6455, section 5) from chunks of any size. Binary messages only, up to `limit` bytes over all
 * fragments; never holds more than that and one header. A length is judged before its payload is waited for.
 */
export class FrameReader {
  readonly #limit: number
  /** The header as far as it came: at most 2 + 8 + 4 bytes. */
  readonly #header = new Uint8Array(14)
  #headerLength = 0
  #payload: Uint8Array | undefined
  #filled = 0
  #message: Uint8Array = noBytes
  #fragmented = false
  #ended = false

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Takes the next bytes and answers what they complete, in order. */
  push(chunk: Uint8Array): readonly ReaderEvent[] {
    const events: ReaderEvent[] = []
    let at = 0
    while (!this.#ended) {
      if (this.#payload === undefined) {
        at = this.#takeHeader(chunk, at, events)
        if (this.#payload === undefined) break
      }
      at = this.#takePayload(chunk, at, this.#payload)
      if (this.#filled < this.#payload.byteLength) break
      const payload = this.#payload
      this.#payload = undefined
      this.#headerLength = 0
      this.#complete(payload, events)
    }
    return events
  }

  /** Fills the header and, when it is whole and right, makes room for the payload. Answers how far the chunk was read. */
  #takeHeader(chunk: Uint8Array, from: number, events: ReaderEvent[]): number {
    let at = from
    while (at < chunk.byteLength && this.#headerLength < this.#headerSize()) {
      this.#header[this.#headerLength++] = chunk[at++] ?? 0
      // Judged as soon as it is there: the rest of a wrong frame is never waited for.
      if (this.#headerLength === 2 && this.#judgeStart(events)) return at
    }
    if (this.#headerLength < this.#headerSize()) return at
    const length = this.#payloadLength()
    if (length === undefined) this.#fail(events, CLOSE.protocolError, 'the length is not written in the fewest bytes')
    else if (length + this.#message.byteLength > this.#limit) this.#fail(events, CLOSE.tooBig, `more than ${this.#limit} bytes`)
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
  #judgeStart(events: ReaderEvent[]): boolean {
    const [first = 0, second = 0] = this.#header
    const opcode = first & 0x0f
    const final = (first & 0x80) !== 0
    const wrong = startFault(first, second, opcode, final, this.#fragmented)
    if (wrong !== undefined) {
      this.#fail(events, wrong.code, wrong.reason)
      return true
    }
    return false
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
  #takePayload(chunk: Uint8Array, from: number, payload: Uint8Array): number {
    const count = Math.min(chunk.byteLength - from, payload.byteLength - this.#filled)
    const mask = this.#headerLength - 4
    for (let i = 0; i < count; i++) {
      const to = this.#filled + i
      payload[to] = (chunk[from + i] ?? 0) ^ (this.#header[mask + (to & 3)] ?? 0)
    }
    this.#filled += count
    return from + count
  }

  #complete(payload: Uint8Array, events: ReaderEvent[]): void {
    const first = this.#header[0] ?? 0
    const opcode = first & 0x0f
    if (opcode === OPCODE.ping) events.push({ kind: 'ping', payload })
    else if (opcode === OPCODE.pong) events.push({ kind: 'pong' })
    else if (opcode === OPCODE.close) this.#closed(payload, events)
    else {
      this.#message = this.#message.byteLength === 0 ? payload : joined(this.#message, payload)
      this.#fragmented = (first & 0x80) === 0
      if (this.#fragmented) return
      events.push({ kind: 'message', payload: this.#message })
      this.#message = noBytes
    }
  }

  #closed(payload: Uint8Array, events: ReaderEvent[]): void {
    if (payload.byteLength === 0) {
      this.#ended = true
      events.push({ kind: 'close', code: undefined })
      return
    }
    const code = payload.byteLength === 1 ? 0 : ((payload[0] ?? 0) << 8) | (payload[1] ?? 0)
    if (!isCloseCode(code)) this.#fail(events, CLOSE.protocolError, `close code ${code}`)
    else if (!isText(payload.subarray(2))) this.#fail(events, CLOSE.invalidText, 'a close reason that is no UTF-8')
    else {
      this.#ended = true
      events.push({ kind: 'close', code })
    }
  }

  #fail(events: ReaderEvent[], code: number, reason: string): void {
    this.#ended = true
    this.#message = noBytes
    events.push({ kind: 'error', code, reason })
  }
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
