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

/** Cuts a stream of bytes into frames, however it was split on its way. Keeps less than one frame of at most `limit` bytes. */
export class LengthPrefixReader {
  readonly #limit: number
  #rest: Uint8Array = new Uint8Array(0)

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The frames that are whole with this chunk. Throws FrameTooLarge for a length above the limit; then the stream is of no more use. */
  push(chunk: Uint8Array): readonly Uint8Array[] {
    let bytes = this.#rest.byteLength === 0 ? chunk : joined(this.#rest, chunk)
    const frames: Uint8Array[] = []
    while (bytes.byteLength >= LENGTH_BYTES) {
      const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
      if (length > this.#limit)
        throw new BailiwickError('FrameTooLarge', { found: `${length} bytes`, todo: `send at most ${this.#limit} bytes` })
      if (bytes.byteLength < LENGTH_BYTES + length) break
      frames.push(bytes.slice(LENGTH_BYTES, LENGTH_BYTES + length))
      bytes = bytes.subarray(LENGTH_BYTES + length)
    }
    this.#rest = bytes.slice()
    return frames
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.byteLength + second.byteLength)
  bytes.set(first)
  bytes.set(second, first.byteLength)
  return bytes
}
