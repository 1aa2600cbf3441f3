import { BailiwickError } from '../errors.ts'

/** Bytes of the length in front of a frame over plain TCP: an unsigned 32-bit big-endian number. */
export const LENGTH_BYTES = 4

/** A frame as it goes over plain TCP. */
export function withLength(frame: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(LENGTH_BYTES + frame.byteLength)
  new DataView(bytes.buffer).setUint32(0, frame.byteLength)
  bytes.set(frame, LENGTH_BYTES)
  return bytes
}

/** Cuts a stream of bytes into frames, however it was split on its way. Keeps less than one frame of at most `limit` bytes, and copies each byte once: what comes byte by byte costs no more. */
export class LengthPrefixReader {
  readonly #limit: number
  /** The length as far as it came. */
  readonly #head = new Uint8Array(LENGTH_BYTES)
  #headLength = 0
  /** The frame that is being read; undefined: its length is. */
  #frame: Uint8Array | undefined
  #filled = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The frames that are whole with this chunk. Throws FrameTooLarge for a length above the limit; then the stream is of no more use. */
  push(chunk: Uint8Array): readonly Uint8Array[] {
    const frames: Uint8Array[] = []
    let at = 0
    for (;;) {
      while (this.#headLength < LENGTH_BYTES && at < chunk.byteLength) this.#head[this.#headLength++] = chunk[at++] ?? 0
      if (this.#headLength < LENGTH_BYTES) return frames
      this.#frame ??= this.#begin()
      const part = chunk.subarray(at, at + this.#frame.byteLength - this.#filled)
      this.#frame.set(part, this.#filled)
      this.#filled += part.byteLength
      at += part.byteLength
      if (this.#filled < this.#frame.byteLength) return frames
      frames.push(this.#frame)
      this.#frame = undefined
      this.#headLength = 0
    }
  }

  #begin(): Uint8Array {
    const length = new DataView(this.#head.buffer).getUint32(0)
    if (length > this.#limit)
      throw new BailiwickError('FrameTooLarge', { found: `${length} bytes`, todo: `send at most ${this.#limit} bytes` })
    this.#filled = 0
    return new Uint8Array(length)
  }
}
