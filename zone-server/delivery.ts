import type { Timers } from '../core/clock.ts'
import { MAX_SECTION_HEADER, MAX_STATE_HEADER, SECTION, writeSectionHeader, writeStateHeader } from '../core/protocol/state-writer.ts'
import { MAX_VARINT, writeVarint } from '../core/protocol/varint.ts'
import { SLOW_CLIENT_CUT_AFTER } from '../core/timing.ts'
import { HEADROOM, hasCaughtUp, isSlow, type Seat, type Spectator } from './seat.ts'
import { Spread } from './spread.ts'
import type { TickFrames } from './tick-frames.ts'

const FIRST_SCRATCH = 16 * 1024
const noMessages: readonly Uint8Array[] = []

/** Brings confirmed ticks to the clients: one write per client and tick, spread over the tick; who is too slow is skipped, told anew later, or cut off. */
export class Delivery {
  readonly #spread: Spread<TickFrames>
  /** Frames are put together here and sent from here, one after another: a connection that can't take one at once keeps the buffer, and a new one is made. */
  #scratch = Buffer.allocUnsafeSlow(FIRST_SCRATCH)

  /** `onFailed`: a frame could not be made, which is a fault of the program; what the others of the group are due goes on. */
  constructor(timers: Timers | undefined, onSent: (frames: TickFrames) => void, onFailed: (error: unknown) => void) {
    this.#spread = new Spread(
      timers,
      (frames, group) => {
        const end = frames.firstOf(group + 1)
        for (let row = frames.firstOf(group); row < end; row++) {
          try {
            this.#deliver(frames, row)
          } catch (error) {
            onFailed(error)
          }
        }
      },
      onSent,
    )
  }

  release(frames: TickFrames, epoch: number): void {
    frames.epoch = epoch
    this.#spread.release(frames, frames.groups, 1_000 / frames.tickRateHz)
  }

  /** Sends at once what is still due to one client. */
  flush(seat: Seat): void {
    for (const frames of [...this.#spread.dueFor(seat.group)]) {
      const end = frames.firstOf(seat.group + 1)
      for (let row = frames.firstOf(seat.group); row < end; row++) if (frames.seats[row] === seat) this.#deliver(frames, row)
    }
  }

  #deliver(frames: TickFrames, row: number): void {
    const seat = frames.seats[row]
    if (seat === undefined || !frames.take(row)) return
    const { spectator } = seat
    const said = frames.messages.size === 0 ? noMessages : saidIn(frames, row)
    if (!frames.isShown(row) || !this.#maySee(seat, frames.isFresh(row), frames)) {
      if (said.length > 0) spectator.send(said)
      if (isHopeless(seat, frames)) spectator.goodbye('TooSlow')
      return
    }
    this.#send(spectator, frames, row, said)
  }

  /** Judges whether a client can take another frame, by what it has acknowledged of those before. */
  #maySee(seat: Seat, fresh: boolean, { tick, tickRateHz }: TickFrames): boolean {
    if (fresh) seat.freshUnderWay = false
    else if (seat.lost) return false
    if (!seat.spectator.ready || isSlow(seat, tick, tickRateHz)) {
      seat.lost = true
      return false
    }
    if (hasCaughtUp(seat)) seat.markTick = tick
    seat.lost = false
    seat.sentTick = tick
    return true
  }

  #send(spectator: Spectator, frames: TickFrames, row: number, said: readonly Uint8Array[]): void {
    const waiting = spectator.takeWaiting()
    const { slab, tick, epoch } = frames
    const from = frames.fromOf(row)
    const to = frames.toOf(row)
    let size = HEADROOM + MAX_STATE_HEADER + to - from + MAX_SECTION_HEADER
    for (const message of waiting) size += message.byteLength + MAX_VARINT
    for (const message of said) size += message.byteLength + MAX_VARINT
    if (size > this.#scratch.byteLength) this.#scratch = Buffer.allocUnsafeSlow(Math.max(size, this.#scratch.byteLength * 2))
    const scratch = this.#scratch
    const [fresh, acknowledged] = [frames.isFresh(row), frames.acknowledgedOf(row)]
    let at = writeStateHeader(scratch, HEADROOM, fresh, epoch, tick, acknowledged, frames.columnOf(row), frames.rowOf(row))
    slab.bytes.copy(scratch, at, from, to)
    at += to - from
    if (waiting.length + said.length > 0) {
      at = writeSectionHeader(scratch, at, SECTION.message, 0, waiting.length + said.length)
      at = writeMessages(scratch, at, waiting)
      at = writeMessages(scratch, at, said)
    }
    if (spectator.state(scratch, HEADROOM, at)) this.#scratch = Buffer.allocUnsafeSlow(FIRST_SCRATCH)
  }
}

/** The messages of a row. */
function saidIn(frames: TickFrames, row: number): readonly Uint8Array[] {
  return frames.messages.get(row)?.map((captured) => captured(frames.epoch)) ?? noMessages
}

/** True when a client that is sent nothing any more has not caught up for so long that it is not waited for. */
function isHopeless({ lost, sentTick, markTick, player }: Seat, { tick, tickRateHz }: TickFrames): boolean {
  return lost && sentTick > 0 && player !== undefined && tick - markTick > (SLOW_CLIENT_CUT_AFTER / 1_000) * tickRateHz
}

/** Message frames, without their kind byte. */
function writeMessages(bytes: Buffer, at: number, frames: readonly Uint8Array[]): number {
  let to = at
  for (const frame of frames) {
    to = writeVarint(bytes, to, frame.byteLength - 1)
    bytes.set(frame.subarray(1), to)
    to += frame.byteLength - 1
  }
  return to
}
