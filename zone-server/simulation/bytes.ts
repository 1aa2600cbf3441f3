import { BailiwickError } from '../../core/errors.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const UUID_LENGTH = 36
const UUID_BYTES = 16
const DASH = 0x2d
const hexDigits = '0123456789abcdef'
/** The value of a lower-case hexadecimal digit by its character code; 16: it is none. */
const digitValue = Uint8Array.from({ length: 128 }, (_, code) => {
  const value = hexDigits.indexOf(String.fromCharCode(code))
  return value === -1 ? 16 : value
})
const hexPairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Writes little-endian numbers and texts into a buffer that grows. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>
  #view: DataView
  #at = 0

  constructor(capacity = 1_024) {
    this.#bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.#bytes.buffer)
  }

  get length(): number {
    return this.#at
  }

  u8(value: number): void {
    this.#room(1)
    this.#bytes[this.#at++] = value
  }

  u32(value: number): void {
    this.#room(4)
    this.#view.setUint32(this.#at, value, true)
    this.#at += 4
  }

  /** A whole number from 0 to 2^53 - 1, seven bits a byte, the lowest first. */
  varint(value: number): void {
    this.#room(8)
    let rest = value
    while (rest > 0x7f) {
      this.#bytes[this.#at++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#bytes[this.#at++] = rest
  }

  /** A 32-bit whole number, small ones of either sign in few bytes (zigzag). */
  signed(value: number): void {
    this.varint(((value << 1) ^ (value >> 31)) >>> 0)
  }

  text(value: string): void {
    this.varint(utf8Length(value))
    this.#characters(value)
  }

  /** A text that often is a UUID, which then takes 17 bytes. */
  id(value: string): void {
    this.#room(1 + UUID_BYTES)
    if (value.length === UUID_LENGTH && packUuid(value, this.#bytes, this.#at + 1)) {
      this.#bytes[this.#at] = 0
      this.#at += 1 + UUID_BYTES
      return
    }
    this.varint(utf8Length(value) + 1)
    this.#characters(value)
  }

  bytes(value: Uint8Array): void {
    this.#room(value.byteLength)
    this.#bytes.set(value, this.#at)
    this.#at += value.byteLength
  }

  /** Forgets what was written. */
  reset(): void {
    this.#at = 0
  }

  /** Copies what was written to a place in other bytes. */
  copyTo(bytes: Uint8Array, at: number): void {
    bytes.set(this.#bytes.subarray(0, this.#at), at)
  }

  /** What was written, as a copy. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#at)
  }

  #characters(value: string): void {
    // A UTF-16 unit is at most three bytes of UTF-8.
    this.#room(value.length * 3)
    const bytes = this.#bytes
    const from = this.#at
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i)
      if (code > 0x7f) {
        this.#at = from + encoder.encodeInto(value, bytes.subarray(from)).written
        return
      }
      bytes[from + i] = code
    }
    this.#at = from + value.length
  }

  #room(more: number): void {
    if (this.#at + more <= this.#bytes.byteLength) return
    const wider = new Uint8Array(Math.max(this.#bytes.byteLength * 2, this.#at + more))
    wider.set(this.#bytes)
    this.#bytes = wider
    this.#view = new DataView(wider.buffer)
  }
}

/** Reads what ByteWriter wrote. Every method throws StoreCorrupt, and nothing else, when the bytes don't hold what is asked for. */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  /** All bytes as a text, when each of them is a character. */
  readonly #ascii: string | undefined
  #at = 0

  /** `manyTexts`: the bytes are mostly texts, tens of thousands of them: when they can be, they are decoded in one go. */
  constructor(bytes: Uint8Array, manyTexts = false) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#ascii = manyTexts && isAscii(bytes) ? decoder.decode(bytes) : undefined
  }

  get position(): number {
    return this.#at
  }

  /** Goes on reading at another place. */
  seek(at: number): void {
    this.#at = 0
    this.#take(at)
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }

  varint(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 8; i++) {
      const byte = this.u8()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if ((byte !== 0 || i === 0) && value <= Number.MAX_SAFE_INTEGER) return value
        throw corrupt(`a number before ${this.#at} that is not written the shortest way`)
      }
      scale *= 0x80
    }
    throw corrupt(`a number before ${this.#at} that does not end`)
  }

  /** A varint from 0 to `most`. */
  upTo(most: number): number {
    const value = this.varint()
    if (value > most) throw corrupt(`${value} before ${this.#at}, where at most ${most} is possible`)
    return value
  }

  signed(): number {
    const value = this.upTo(0xffff_ffff)
    return (value >>> 1) ^ -(value & 1)
  }

  text(): string {
    return this.#characters(this.varint())
  }

  id(): string {
    const length = this.varint()
    if (length > 0) return this.#characters(length - 1)
    return unpackUuid(this.#bytes, this.#take(UUID_BYTES))
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    const from = this.#take(length)
    return new Uint8Array(this.#bytes.subarray(from, from + length))
  }

  /** A count of things that take at least `size` bytes each: more than the rest can hold is refused before anything is made for them. */
  count(size: number): number {
    const count = this.varint()
    check(count * size <= this.#bytes.byteLength - this.#at, `a count of ${count} at ${this.#at}`)
    return count
  }

  end(): void {
    check(this.#at === this.#bytes.byteLength, `${this.#bytes.byteLength - this.#at} bytes behind the end`)
  }

  #characters(length: number): string {
    const from = this.#take(length)
    if (this.#ascii !== undefined) return this.#ascii.substring(from, from + length)
    try {
      return decoder.decode(this.#bytes.subarray(from, from + length))
    } catch (cause) {
      throw new BailiwickError('StoreCorrupt', { found: `bytes at ${from} that are no text`, cause })
    }
  }

  #take(length: number): number {
    const from = this.#at
    if (length > this.#bytes.byteLength - from) throw corrupt(`an end at ${this.#bytes.byteLength}, ${length} bytes wanted at ${from}`)
    this.#at += length
    return from
  }
}

/** Throws StoreCorrupt with what was found, unless it holds. */
export function check(holds: boolean, found: string): asserts holds {
  if (!holds) throw corrupt(found)
}

/** The error for stored bytes that say something impossible. */
export function corrupt(found: string): BailiwickError {
  return new BailiwickError('StoreCorrupt', { found })
}

function isAscii(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.byteLength; i++) if ((bytes[i] ?? 0) > 0x7f) return false
  return true
}

/** How many bytes a text takes in UTF-8. A lone surrogate takes three: it is written as U+FFFD. */
function utf8Length(value: string): number {
  let length = value.length
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code <= 0x7f) continue
    length += code <= 0x7ff ? 1 : 2
    const isPair = code >= 0xd800 && code <= 0xdbff && (value.charCodeAt(i + 1) & 0xfc00) === 0xdc00
    // Two units, four bytes: one more for each unit.
    if (isPair) i++
  }
  return length
}

/** Packs a lower-case UUID into 16 bytes at `at`; false, with anything there, when the text is none. */
function packUuid(value: string, bytes: Uint8Array, at: number): boolean {
  if (value.charCodeAt(8) !== DASH || value.charCodeAt(13) !== DASH || value.charCodeAt(18) !== DASH || value.charCodeAt(23) !== DASH)
    return false
  for (let i = 0; i < UUID_BYTES; i++) {
    // The dashes stand before bytes 4, 6, 8 and 10.
    const from = i * 2 + (i < 4 ? 0 : i < 6 ? 1 : i < 8 ? 2 : i < 10 ? 3 : 4)
    const high = digitValue[value.charCodeAt(from)] ?? 16
    const low = digitValue[value.charCodeAt(from + 1)] ?? 16
    if (high > 15 || low > 15) return false
    bytes[at + i] = high * 16 + low
  }
  return true
}

function unpackUuid(bytes: Uint8Array, at: number): string {
  let text = ''
  for (let i = 0; i < UUID_BYTES; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) text += '-'
    text += hexPairs[bytes[at + i] ?? 0]
  }
  return text
}
