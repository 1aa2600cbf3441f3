import type { Timers } from '../core/clock.ts'
import { MAX_SECTION_HEADER, MAX_STATE_HEADER, SECTION, writeSectionHeader, writeStateHeader } from '../core/protocol/state-writer.ts'
import { MAX_VARINT, writeVarint } from '../core/protocol/varint.ts'
import { SLOW_CLIENT_CUT_AFTER } from '../core/timing.ts'
import { HEADROOM, hasCaughtUp, isSlow, type Seat } from './seat.ts'
import { Spread } from './spread.ts'
import type { Row, TickFrames } from './tick-frames.ts'

const FIRST_SCRATCH = 16 * 1024
const noMessages: readonly Uint8Array[] = []

interface Confirmed {
  readonly frames: TickFrames
  readonly epoch: number
}

/** Brings confirmed ticks to the clients: one write per client and tick, spread over the tick; who is too slow is skipped, told anew later, or cut off. */
export class Delivery {
  readonly #spread: Spread<Confirmed>
  /** Frames are put together here and sent from here, one after another: a connection that can't take one at once keeps the buffer, and a new one is made. */
  #scratch = Buffer.allocUnsafeSlow(FIRST_SCRATCH)

  /** `onFailed`: a frame could not be made, which is a fault of the program; what the others of the group are due goes on. */
  constructor(timers: Timers | undefined, onSent: (frames: TickFrames) => void, onFailed: (error: unknown) => void) {
    this.#spread = new Spread(
      timers,
      (confirmed, group) => {
        for (const row of confirmed.frames.groups[group] ?? []) {
          try {
            this.#deliver(confirmed, row)
          } catch (error) {
            onFailed(error)
          }
        }
      },
      ({ frames }) => onSent(frames),
    )
  }

  release(frames: TickFrames, epoch: number): void {
    this.#spread.release({ frames, epoch }, frames.groups.length, 1_000 / frames.tickRateHz)
  }

  /** Sends at once what is still due to one client. */
  flush(seat: Seat): void {
    for (const confirmed of [...this.#spread.dueFor(seat.group)])
      for (const row of confirmed.frames.groups[seat.group] ?? []) if (row.seat === seat) this.#deliver(confirmed, row)
  }

  #deliver(confirmed: Confirmed, row: Row): void {
    if (row.done) return
    row.done = true
    const { seat, messages } = row
    const { spectator } = seat
    const said = messages === undefined ? noMessages : messages.map((captured) => captured(confirmed.epoch))
    if (row.from < 0 || !this.#maySee(seat, row, confirmed.frames)) {
      if (said.length > 0) spectator.send(said)
      if (isHopeless(seat, confirmed.frames)) spectator.goodbye('TooSlow')
      return
    }
    this.#send(confirmed, row, spectator.takeWaiting(), said)
  }

  /** Judges whether a client can take another frame, by what it has acknowledged of those before. */
  #maySee(seat: Seat, { fresh }: Row, { tick, tickRateHz }: TickFrames): boolean {
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

  #send({ frames, epoch }: Confirmed, row: Row, waiting: readonly Uint8Array[], said: readonly Uint8Array[]): void {
    const { slab, tick } = frames
    const { from, to } = row
    let size = HEADROOM + MAX_STATE_HEADER + to - from + MAX_SECTION_HEADER
    for (const message of waiting) size += message.byteLength + MAX_VARINT
    for (const message of said) size += message.byteLength + MAX_VARINT
    if (size > this.#scratch.byteLength) this.#scratch = Buffer.allocUnsafeSlow(Math.max(size, this.#scratch.byteLength * 2))
    const scratch = this.#scratch
    let at = writeStateHeader(scratch, HEADROOM, row.fresh, epoch, tick, row.acknowledged, row.column, row.row)
    slab.bytes.copy(scratch, at, from, to)
    at += to - from
    if (waiting.length + said.length > 0) {
      at = writeSectionHeader(scratch, at, SECTION.message, 0, waiting.length + said.length)
      at = writeMessages(scratch, at, waiting)
      at = writeMessages(scratch, at, said)
    }
    if (row.seat.spectator.state(scratch, HEADROOM, at)) this.#scratch = Buffer.allocUnsafeSlow(FIRST_SCRATCH)
  }
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
