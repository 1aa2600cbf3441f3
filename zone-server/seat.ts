import { SLOW_CLIENT_AFTER } from '../core/timing.ts'
import type { Centre } from './interest/cell.ts'
import type { Player } from './simulation/state.ts'

/** So many bytes before a state frame are free for what a transport puts in front of it. */
export const HEADROOM = 16

/** A client as the layer sees it: somebody who is sent frames and told when it is over. */
export interface Spectator {
  /** The tick of the newest state frame that the client says it has taken over; 0: none yet. */
  readonly seen: number
  /** False while something that was sent before still waits for the connection to take it: no state is sent then. */
  readonly ready: boolean
  /** Message frames; they leave with the next state frame, or by themselves a little later when none comes. */
  send(frames: readonly Uint8Array[]): void
  /** The message frames that wait: they are the caller's to send now. */
  takeWaiting(): readonly Uint8Array[]
  /**
   * Sends the state frame at `from` … `to`; the HEADROOM bytes before it may be written over. Answers true when the bytes are still needed after the call (the connection
   * was slow to take them): then the buffer must not be used again.
   */
  state(buffer: Buffer, from: number, to: number): boolean
  /** What is to be done before the last words: what the client is still to be sent. */
  beforeEnd(flush: () => void): void
  /** The last words, then the end. */
  goodbye(reason: string): void
  /** It is to come back through the allocator; the connection stays open until goodbye. */
  redirect(reason: string): void
}

/** A frame of a message, once the epoch is known. */
export type Captured = (epoch: number) => Uint8Array

/** A resident's connection, and what it has been shown. */
export interface Seat {
  readonly character: string
  readonly spectator: Spectator
  /** Which of the groups it is sent with. */
  readonly group: number
  /** False from the moment on in which it is taken from the client. */
  seated: boolean
  /** The resident, from its welcome on; gets frames then. */
  player: Player | undefined
  /** From where it sees. */
  centre: Centre | undefined
  /** It missed frames (or has had none): it is told everything in view before anything else. */
  lost: boolean
  /** A frame with everything in view is made and not sent yet. */
  freshUnderWay: boolean
  /** The tick of the last state frame that was sent, and an older one whose acknowledgement is awaited. */
  sentTick: number
  markTick: number
  /** What the tick being encoded says to it. */
  messages: Captured[] | undefined
}

export function newSeat(character: string, spectator: Spectator, group: number): Seat {
  return {
    ...{ character, spectator, group, seated: true },
    ...{ player: undefined, centre: undefined, lost: true, freshUnderWay: false, sentTick: 0, markTick: 0, messages: undefined },
  }
}

/** True when the client has acknowledged the frame whose acknowledgement is awaited. What it claims of frames that it was not sent counts for nothing. */
export function hasCaughtUp(seat: Seat): boolean {
  return Math.min(seat.spectator.seen, seat.sentTick) >= seat.markTick
}

/** True when the client has not acknowledged a frame for too long, as of `tick`: it is sent no more until it has. Ticks are the measure: while none is confirmed, nobody is slow. */
export function isSlow(seat: Seat, tick: number, tickRateHz: number): boolean {
  return !hasCaughtUp(seat) && tick - seat.markTick > (SLOW_CLIENT_AFTER / 1_000) * tickRateHz
}
