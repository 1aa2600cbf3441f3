import type { Timers } from '../core/clock.ts'
import { Delivery } from './delivery.ts'
import { Interest } from './interest/interest.ts'
import { Slab } from './interest/slab.ts'
import { messageFrame } from './outgoing.ts'
import { type Captured, isSlow, newSeat, type Seat, type Spectator } from './seat.ts'
import type { Addressed, TickOutput } from './simulation/output.ts'
import type { LayerState } from './simulation/state.ts'
import { GROUPS } from './spread.ts'
import { TickFrames } from './tick-frames.ts'

export type { Spectator } from './seat.ts'

const FIRST_SLAB = 64 * 1024
/** Of a tick that nobody is told of. */
const nobody = new TickFrames(new Slab(0))

/** Who of the residents has a connection, and what each of them is told. */
export class Audience {
  readonly #seats = new Map<string, Seat>()
  /** The same by group; in a group nobody keeps a place. */
  readonly #groups: Seat[][] = Array.from({ length: GROUPS }, () => [])
  /** Those who wait for the tick that welcomes them. */
  readonly #unwelcomed = new Set<Seat>()
  readonly #interest = new Interest()
  readonly #delivery: Delivery
  /** Of ticks that were sent: used again. */
  readonly #sent: TickFrames[] = []

  /** Without timers a tick is sent to all at once; with them its sending is spread over the tick. `onFailed`: a frame could not be made; by default that is thrown. */
  constructor(timers?: Timers, onFailed: (error: unknown) => void = rethrow) {
    const onSent = (frames: TickFrames): void => {
      if (frames !== nobody) this.#sent.push(frames)
    }
    this.#delivery = new Delivery(timers, onSent, onFailed)
  }

  /** Seats a client; the one that sat there before is told so and ended. */
  seat(character: string, spectator: Spectator): Seat {
    const before = this.#seats.get(character)
    if (before !== undefined) this.#remove(before)
    const seat = newSeat(character, spectator, this.#smallestGroup())
    this.#seats.set(character, seat)
    this.#groups[seat.group]?.push(seat)
    this.#unwelcomed.add(seat)
    spectator.beforeEnd(() => this.#delivery.flush(seat))
    before?.spectator.goodbye('TakenOver')
    return seat
  }

  /** The client is gone. Answers false when another sits there already. */
  unseat(character: string, spectator: Spectator): boolean {
    const seat = this.#seats.get(character)
    if (seat?.spectator !== spectator) return false
    this.#remove(seat)
    return true
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
    if (this.#seats.size === 0) return nobody
    const frames = this.#sent.pop() ?? new TickFrames(new Slab(FIRST_SLAB))
    frames.begin(state.tick, state.settings.tickRateHz)
    const used = this.#usedGroups()
    for (let group = 0; group < used; group++) {
      for (const seat of this.#groups[group] ?? []) this.#capture(state, frames, seat)
      frames.endGroup()
    }
    return frames
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
  #capture(state: LayerState, frames: TickFrames, seat: Seat): void {
    if (seat.messages !== undefined) {
      frames.messages.set(frames.seats.length, seat.messages)
      seat.messages = undefined
    }
    const { player, centre: before } = seat
    const fresh = seat.lost && !seat.freshUnderWay
    if (player === undefined || (fresh && (!seat.spectator.ready || isSlow(seat, state.tick, state.settings.tickRateHz)))) {
      frames.addUnseen(seat)
      return
    }
    const { slab } = frames
    const { x, y } = state.entities
    const now = this.#interest.watch(x[player.entity] ?? 0, y[player.entity] ?? 0, before)
    const { column, row } = now.cell
    if (now === before && !fresh) {
      if (now.tick !== state.tick) {
        now.from = this.#interest.body(state, slab, before, now)
        now.to = slab.at
        now.tick = state.tick
      }
      frames.addShown(seat, now.from, now.to, false, player.inputSequence, column, row)
      return
    }
    const from = this.#interest.body(state, slab, fresh ? undefined : before, now)
    seat.centre = now
    if (before !== undefined && before !== now) this.#interest.unwatch(before)
    if (fresh) seat.freshUnderWay = true
    frames.addShown(seat, from, slab.at, fresh, player.inputSequence, column, row)
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
    seat.seated = false
    this.#seats.delete(seat.character)
    this.#unwelcomed.delete(seat)
    const group = this.#groups[seat.group]
    const last = group?.pop()
    if (group !== undefined && last !== undefined && last !== seat) group[group.indexOf(seat)] = last
    if (seat.centre !== undefined) this.#interest.unwatch(seat.centre)
    seat.centre = undefined
  }
}

function rethrow(error: unknown): never {
  throw error
}

function say(seat: Seat, captured: Captured): void {
  if (seat.messages === undefined) seat.messages = [captured]
  else seat.messages.push(captured)
}
