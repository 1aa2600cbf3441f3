import { BailiwickError } from '../errors.ts'

/** A varint is at most this long: unsigned 32-bit numbers, base 128, low group first. */
export const MAX_VARINT = 5

/** Writes an unsigned 32-bit number; answers where the next byte goes. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value
  let to = at
  while (rest > 0x7f) {
    bytes[to++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  bytes[to++] = rest
  return to
}

/** 0, -1, 1, -2 … as 0, 1, 2, 3 …: small numbers of either sign stay short. */
export function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0
}

export function unzigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1)
}

/** Reads a frame from its front. Every read throws FrameInvalid past the end, whatever the bytes. */
export class FrameCursor {
  readonly bytes: Uint8Array
  at: number

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes
    this.at = at
  }

  get atEnd(): boolean {
    return this.at >= this.bytes.byteLength
  }

  byte(): number {
    const byte = this.bytes[this.at++]
    if (byte === undefined) throw new BailiwickError('FrameInvalid', { found: 'a state frame that ends too early' })
    return byte
  }

  varint(): number {
    let value = 0
    for (let shift = 0; shift < 7 * MAX_VARINT; shift += 7) {
      const byte = this.byte()
      value = (value | ((byte & 0x7f) << shift)) >>> 0
      if (byte < 0x80) return value
    }
    throw new BailiwickError('FrameInvalid', { found: 'a number of more than 5 bytes' })
  }

  /** The next `length` bytes, not copied. */
  take(length: number): Uint8Array {
    const end = this.at + length
    if (end > this.bytes.byteLength) throw new BailiwickError('FrameInvalid', { found: 'a state frame that ends too early' })
    const part = this.bytes.subarray(this.at, end)
    this.at = end
    return part
  }
}
