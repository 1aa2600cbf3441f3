import type { Spectator } from '../../../zone-server/seat.ts'

/** A client without a connection: takes everything at once, acknowledges it, and counts the bytes. */
export class CountingSpectator implements Spectator {
  readonly ready = true
  readonly #tick: () => number
  bytes = 0
  frames = 0

  /** `tick`: the newest one, which it says it has seen. */
  constructor(tick: () => number) {
    this.#tick = tick
  }

  get seen(): number {
    return this.#tick()
  }

  send(frames: readonly Uint8Array[]): void {
    for (const frame of frames) this.bytes += frame.byteLength
  }

  takeWaiting(): readonly Uint8Array[] {
    return []
  }

  state(_buffer: Buffer, from: number, to: number): boolean {
    this.bytes += to - from
    this.frames++
    return false
  }

  beforeEnd(): void {}
  goodbye(): void {}
  redirect(): void {}
}
