import type { Timers } from '../core/clock.ts'
import { Delivery } from './delivery.ts'
import { Interest } from './interest/interest.ts'
import { Slab } from './interest/slab.ts'
import { messageFrame } from './outgoing.ts'
import { type Captured, isSlow, newSeat, type Seat, type Spectator } from './seat.ts'
import type { Addressed, TickOutput } from './simulation/output.ts'
import type { LayerState } from './simulation/state.ts'
import { GROUPS } from './spread.ts'
import type { Row, TickFrames } from './tick-frames.ts'

export type { Spectator } from './seat.ts'
export type { TickFrames } from './tick-frames.ts'

const FIRST_SLAB = 64 * 1024
const noSlab = new Slab(0)

/** Who of the residents has a connection, and what each of them is told. */
export class Audience {
  readonly #seats = new Map<string, Seat>()
  /** The same by group; in a group nobody keeps a place. */
  readonly #groups: Seat[][] = Array.from({ length: GROUPS }, () => [])
  /** Those who wait for the tick that welcomes them. */
  readonly #unwelcomed = new Set<Seat>()
  readonly #interest = new Interest()
  readonly #delivery: Delivery
  /** Slabs of ticks that were sent. */
  readonly #slabs: Slab[] = []

  /** Without timers a tick is sent to all at once; with them its sending is spread over the tick. `onFailed`: a frame could not be made; by default that is thrown. */
  constructor(timers?: Timers, onFailed: (error: unknown) => void = rethrow) {
    const onSent = ({ slab }: TickFrames): void => {
      if (slab !== noSlab) this.#slabs.push(slab)
    }
    this.#delivery = new Delivery(timers, onSent, onFailed)
  }

  /** Seats a client; the one that sat there before is told so and ended. */
  seat(character: string, spectator: Spectator): void {
    const before = this.#seats.get(character)
    if (before !== undefined) this.#remove(before)
    const seat = newSeat(character, spectator, this.#smallestGroup())
    this.#seats.set(character, seat)
    this.#groups[seat.group]?.push(seat)
    this.#unwelcomed.add(seat)
    spectator.beforeEnd(() => this.#delivery.flush(seat))
    before?.spectator.goodbye('TakenOver')
  }

  /** The client is gone. Answers false when another sits there already. */
  unseat(character: string, spectator: Spectator): boolean {
    const seat = this.#seats.get(character)
    if (seat?.spectator !== spectator) return false
    this.#remove(seat)
    return true
  }

  seats(character: string, spectator: Spectator): boolean {
    return this.#seats.get(character)?.spectator === spectator
  }

  /** Takes the client from its seat, to be told the rest later. */
  take(character: string): Spectator | undefined {
    const seat = this.#seats.get(character)
    if (seat !== undefined) this.#remove(seat)
    return seat?.spectator
  }

  /** How many are seated. */
  get size(): number {
    return this.#seats.size
  }

  spectators(): readonly Spectator[] {
    return [...this.#seats.values()].map(({ spectator }) => spectator)
  }

  /**
   * Captures what the tick that was just stepped shows and says to each client: called once after each step, in order. The state may move on before
   * the tick is confirmed.
   */
  encode(state: LayerState, output: TickOutput): TickFrames {
    this.#interest.step(state)
    for (const { character } of output.departures) {
      const seat = this.#seats.get(character)
      if (seat !== undefined && state.players.get(character) !== seat.player) seat.player = undefined
    }
    for (const addressed of output.messages) this.#hear(state, addressed)
    this.#turnAwayUnwelcomed()
    // Without clients nothing is written, and the tick may never be released.
    const slab = this.#seats.size === 0 ? noSlab : (this.#slabs.pop() ?? new Slab(FIRST_SLAB))
    slab.at = 0
    const groups = this.#groups.slice(0, this.#usedGroups()).map((seats) => seats.map((seat) => this.#row(state, slab, seat)))
    return { tick: state.tick, tickRateHz: state.settings.tickRateHz, slab, groups }
  }

  /** Sends what a confirmed tick shows and says: each tick once, in order, however many at a time. */
  release(frames: TickFrames, epoch: number): void {
    this.#delivery.release(frames, epoch)
  }

  #hear(state: LayerState, { to, message }: Addressed): void {
    if (to === undefined) {
      const captured = messageFrame(state, '', message)
      if (captured === undefined) return
      for (const seat of this.#seats.values()) {
        const hears = message.kind === 'emoted' ? this.#interest.sees(seat.centre, message.entity) : !this.#unwelcomed.has(seat)
        if (hears) say(seat, captured)
      }
      return
    }
    const seat = this.#seats.get(to)
    if (seat === undefined) return
    if (message.kind === 'welcome') {
      seat.player = state.players.get(to)
      this.#unwelcomed.delete(seat)
    }
    if (message.kind === 'welcome' || message.kind === 'look') {
      seat.lost = true
      seat.freshUnderWay = false
    }
    const captured = messageFrame(state, to, message)
    if (captured !== undefined) say(seat, captured)
  }

  /** Who was seated for a resident that left in the same tick has missed it: it is to come again. */
  #turnAwayUnwelcomed(): void {
    for (const seat of this.#unwelcomed) {
      this.#remove(seat)
      seat.spectator.redirect('TryAgain')
      seat.spectator.goodbye('TryAgain')
    }
  }

  /** What the tick shows and says to one client. */
  #row(state: LayerState, slab: Slab, seat: Seat): Row {
    const { player, messages, centre: before } = seat
    seat.messages = undefined
    if (player === undefined) return messagesAlone(seat, messages)
    const fresh = seat.lost && !seat.freshUnderWay
    if (fresh && (!seat.spectator.ready || isSlow(seat, state.tick, state.settings.tickRateHz))) return messagesAlone(seat, messages)
    const { x, y } = state.entities
    const now = this.#interest.watch(x[player.entity] ?? 0, y[player.entity] ?? 0, before)
    const { column, row } = now.cell
    const acknowledged = player.inputSequence
    if (now === before && !fresh) {
      if (now.tick !== state.tick) {
        now.from = this.#interest.body(state, slab, before, now)
        now.to = slab.at
        now.tick = state.tick
      }
      return { seat, from: now.from, to: now.to, fresh, column, row, acknowledged, messages, done: false }
    }
    const from = this.#interest.body(state, slab, fresh ? undefined : before, now)
    seat.centre = now
    if (before !== undefined && before !== now) this.#interest.unwatch(before)
    if (fresh) seat.freshUnderWay = true
    return { seat, from, to: slab.at, fresh, column, row, acknowledged, messages, done: false }
  }

  /** The first of the groups that have the fewest. */
  #smallestGroup(): number {
    const sizes = this.#groups.map(({ length }) => length)
    return sizes.indexOf(Math.min(...sizes))
  }

  /** Up to the last group that is not empty. */
  #usedGroups(): number {
    return this.#groups.findLastIndex(({ length }) => length > 0) + 1
  }

  #remove(seat: Seat): void {
    this.#seats.delete(seat.character)
    this.#unwelcomed.delete(seat)
    const group = this.#groups[seat.group]
    const last = group?.pop()
    if (group !== undefined && last !== undefined && last !== seat) group[group.indexOf(seat)] = last
    if (seat.centre !== undefined) this.#interest.unwatch(seat.centre)
    seat.centre = undefined
  }
}

function messagesAlone(seat: Seat, messages: Row['messages']): Row {
  return { seat, from: -1, to: -1, fresh: false, column: 0, row: 0, acknowledged: 0, messages, done: false }
}

function rethrow(error: unknown): never {
  throw error
}

function say(seat: Seat, captured: Captured): void {
  if (seat.messages === undefined) seat.messages = [captured]
  else seat.messages.push(captured)
}
