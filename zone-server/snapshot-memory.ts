/** Made larger than what is asked for, so that a state that grows does not need another each time. */
const SPARE = 1.25
/** What is so many times larger than what is asked for is given up. */
const MUCH_TOO_LARGE = 4

/**
 * The memory in which a layer's states are captured, used again from one to the next: megabytes that are allocated each time make the garbage collector mark the whole heap, in the middle of ticks. One
 * at most is kept.
 */
export class SnapshotMemory {
  #free: Uint8Array<ArrayBuffer> | undefined

  /** So many bytes or more, of any content; the taker's until it gives them back. */
  take(length: number): Uint8Array<ArrayBuffer> {
    const free = this.#free
    this.#free = undefined
    if (free !== undefined && free.byteLength >= length && free.byteLength <= length * MUCH_TOO_LARGE) return free
    return new Uint8Array(Math.ceil(length * SPARE))
  }

  /** What was taken, or a part of it: nobody may read it any more. */
  giveBack({ buffer }: Uint8Array<ArrayBuffer>): void {
    this.#free = new Uint8Array(buffer)
  }
}
