import { BailiwickError } from '../../core/errors.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Writes little-endian numbers and texts into a buffer that grows. */
export class ByteWriter {
  #bytes = new Uint8Array(4_096)
  #view = new DataView(this.#bytes.buffer)
  #at = 0

  u8(value: number): void {
    this.#room(1)
    this.#bytes[this.#at++] = value
  }

  u32(value: number): void {
    this.#room(4)
    this.#view.setUint32(this.#at, value, true)
    this.#at += 4
  }

  i32(value: number): void {
    this.#room(4)
    this.#view.setInt32(this.#at, value, true)
    this.#at += 4
  }

  f64(value: number): void {
    this.#room(8)
    this.#view.setFloat64(this.#at, value, true)
    this.#at += 8
  }

  text(value: string): void {
    // A UTF-16 unit is at most three bytes of UTF-8.
    this.#room(4 + value.length * 3)
    const { written } = encoder.encodeInto(value, this.#bytes.subarray(this.#at + 4))
    this.#view.setUint32(this.#at, written, true)
    this.#at += 4 + written
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#at)
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
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), true)
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8), true)
  }

  text(): string {
    const length = this.u32()
    const from = this.#take(length)
    try {
      return decoder.decode(this.#bytes.subarray(from, from + length))
    } catch (cause) {
      throw new BailiwickError('StoreCorrupt', { found: `bytes at ${from} that are no text`, cause })
    }
  }

  /** A count of things that take at least `size` bytes each: more than the rest can hold is refused before anything is made for them. */
  count(size: number): number {
    const count = this.u32()
    if (count * size > this.#bytes.byteLength - this.#at)
      throw new BailiwickError('StoreCorrupt', { found: `a count of ${count} at ${this.#at}` })
    return count
  }

  end(): void {
    if (this.#at !== this.#bytes.byteLength)
      throw new BailiwickError('StoreCorrupt', { found: `${this.#bytes.byteLength - this.#at} bytes behind the end` })
  }

  #take(length: number): number {
    const from = this.#at
    if (length > this.#bytes.byteLength - from)
      throw new BailiwickError('StoreCorrupt', { found: `an end at ${this.#bytes.byteLength}, ${length} bytes wanted at ${from}` })
    this.#at += length
    return from
  }
}
