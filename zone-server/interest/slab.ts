/** Bytes that are written one after another, in a buffer that grows and is used again. */
export class Slab {
  bytes: Buffer<ArrayBuffer>
  /** Where the next byte goes. */
  at = 0

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size)
  }

  /** Makes room for `more` bytes behind what is written. */
  reserve(more: number): void {
    if (this.at + more <= this.bytes.byteLength) return
    const wider = Buffer.allocUnsafeSlow(Math.max(this.bytes.byteLength * 2, this.at + more))
    this.bytes.copy(wider, 0, 0, this.at)
    this.bytes = wider
  }

  /** Copies a part of another buffer; there must be room. */
  copy(source: Uint8Array, from: number, to: number): void {
    const { bytes } = this
    let at = this.at
    // Most parts are a few records: a loop is faster than a call for those.
    if (to - from <= COPIED_BY_HAND) for (let i = from; i < to; i++) bytes[at++] = source[i] ?? 0
    else bytes.set(source.subarray(from, to), at)
    this.at += to - from
  }
}

const COPIED_BY_HAND = 64
