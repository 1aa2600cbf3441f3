import { INPUT_BURST, INPUT_RATE } from '../../core/protocol/frame.ts'
import { TokenBucket } from './token-bucket.ts'

/** Frames a second that a connection may send for ever, of whatever kind: pings and parts of messages are frames, too, and cost as much. */
export const FRAME_RATE = 20 * INPUT_RATE
/** So many at once before its client is let in: a hello, and pings while it waits … */
export const FRAME_BURST_COMING = 4 * INPUT_BURST
/** … and from then on. A host that was frozen finds what its clients sent meanwhile: no client that lives is cut for the minutes of a host. */
export const FRAME_BURST = 100 * INPUT_BURST

/** How many frames a connection may send. Past it, it is cut: what its client says too fast is not looked at anyway (session.ts), but to read it costs the host more than the sender. */
export class FrameBudget {
  #bucket: TokenBucket
  #now: number

  constructor(now: number) {
    this.#bucket = new TokenBucket(FRAME_RATE, FRAME_BURST_COMING, now)
    this.#now = now
  }

  /** Bytes came, at this time in ms: their frames are taken now. */
  at(now: number): void {
    this.#now = now
  }

  /** A frame was read. False: one too many. */
  take(): boolean {
    return this.#bucket.take(this.#now)
  }

  /** Its client was let in. */
  widen(): void {
    this.#bucket = new TokenBucket(FRAME_RATE, FRAME_BURST, this.#now)
  }
}

export const TOO_MANY_FRAMES = `more than ${FRAME_RATE} frames a second`
