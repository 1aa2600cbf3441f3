export type LengthEvent = { readonly kind: 'frame'; readonly payload: Uint8Array } | { readonly kind: 'tooLarge'; readonly length: number }

/**
 * Reads frames that are preceded by their length (unsigned 32 bits, big-endian) from chunks of any size. Never holds more than one frame of at
 * most `limit` bytes; after 'tooLarge' nothing more is read.
 */
export class LengthReader {
  readonly #limit: number
  readonly #prefix = new Uint8Array(4)
  #prefixLength = 0
  #payload: Uint8Array | undefined
  #filled = 0
  #ended = false

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Takes the next bytes and answers what they complete, in order. */
  push(chunk: Uint8Array): readonly LengthEvent[] {
    const events: LengthEvent[] = []
    let at = 0
    while (!this.#ended) {
      if (this.#payload === undefined) {
        while (at < chunk.byteLength && this.#prefixLength < 4) this.#prefix[this.#prefixLength++] = chunk[at++] ?? 0
        if (this.#prefixLength < 4) break
        const length = new DataView(this.#prefix.buffer).getUint32(0)
        if (length > this.#limit) {
          this.#ended = true
          events.push({ kind: 'tooLarge', length })
          break
        }
        this.#payload = new Uint8Array(length)
        this.#filled = 0
      }
      const count = Math.min(chunk.byteLength - at, this.#payload.byteLength - this.#filled)
      this.#payload.set(chunk.subarray(at, at + count), this.#filled)
      this.#filled += count
      at += count
      if (this.#filled < this.#payload.byteLength) break
      events.push({ kind: 'frame', payload: this.#payload })
      this.#payload = undefined
      this.#prefixLength = 0
    }
    return events
  }
}
