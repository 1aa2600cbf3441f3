import { viewFrames } from './interest/frames.ts'
import { Grid } from './interest/grid.ts'
import { View } from './interest/view.ts'
import { messageFrame } from './outgoing.ts'
import type { TickOutput } from './simulation/output.ts'
import type { LayerState } from './simulation/state.ts'

/** A client as the layer sees it: somebody who is sent frames and told when it is over. */
export interface Spectator {
  send(frames: readonly Uint8Array[]): void
  /** The last words, then the end. */
  goodbye(reason: string): void
  /** It is to come back through the allocator; the connection stays open until goodbye. */
  redirect(reason: string): void
}

interface Seat {
  readonly spectator: Spectator
  readonly view: View
  /** Has been welcomed: gets frames. */
  welcomed: boolean
}

/** What one tick shows and says, captured when it was stepped: released when it is confirmed, under the epoch that confirmed it. */
export interface TickFrames {
  readonly tick: number
  /** The frames of one client each, once the epoch is known. */
  readonly deliveries: readonly { readonly spectator: Spectator; readonly frames: (epoch: number) => readonly Uint8Array[] }[]
}

type Captured = (epoch: number) => readonly Uint8Array[]

/** Who of the residents has a connection, and what each of them is told. */
export class Audience {
  readonly #seats = new Map<string, Seat>()

  /** Seats a client; the one that sat there before is told so and ended. */
  seat(character: string, spectator: Spectator): void {
    const before = this.#seats.get(character)
    this.#seats.set(character, { spectator, view: new View(), welcomed: false })
    before?.spectator.goodbye('TakenOver')
  }

  /** The client is gone. Answers false when another sits there already. */
  unseat(character: string, spectator: Spectator): boolean {
    if (!this.seats(character, spectator)) return false
    return this.#seats.delete(character)
  }

  seats(character: string, spectator: Spectator): boolean {
    return this.#seats.get(character)?.spectator === spectator
  }

  /** Takes the client from its seat, to be told the rest later. */
  take(character: string): Spectator | undefined {
    const seat = this.#seats.get(character)
    this.#seats.delete(character)
    return seat?.spectator
  }

  spectators(): readonly Spectator[] {
    return [...this.#seats.values()].map(({ spectator }) => spectator)
  }

  /**
   * Captures what the tick that was just stepped shows and says to each client: called once after each step, in order. The state may move on before
   * the tick is confirmed.
   */
  encode(state: LayerState, output: TickOutput): TickFrames {
    const frames = new Map<string, Captured[]>()
    for (const character of this.#seats.keys()) frames.set(character, [])
    for (const { to, message } of output.messages) {
      if (to === undefined) {
        const captured = messageFrame(state, '', message)
        for (const [character, seat] of this.#seats) if (seat.welcomed && captured !== undefined) frames.get(character)?.push(captured)
        continue
      }
      const seat = this.#seats.get(to)
      if (seat === undefined) continue
      if (message.kind === 'welcome') seat.welcomed = true
      if (message.kind === 'welcome' || message.kind === 'look') seat.view.forget()
      const captured = messageFrame(state, to, message)
      if (captured !== undefined) frames.get(to)?.push(captured)
    }
    this.#turnAwayUnwelcomed()
    this.#addViews(state, frames)
    const deliveries = [...frames].flatMap(([character, list]) => {
      const spectator = this.#seats.get(character)?.spectator
      if (spectator === undefined || list.length === 0) return []
      return [{ spectator, frames: (epoch: number) => list.flatMap((captured) => captured(epoch)) }]
    })
    return { tick: state.tick, deliveries }
  }

  /** Sends what a confirmed tick shows and says: each tick once, in order, however many at a time. */
  release(frames: TickFrames, epoch: number): void {
    for (const delivery of frames.deliveries) delivery.spectator.send(delivery.frames(epoch))
  }

  /** Who was seated for a resident that left in the same tick has missed it: it is to come again. */
  #turnAwayUnwelcomed(): void {
    for (const [character, { spectator, welcomed }] of this.#seats) {
      if (welcomed) continue
      this.#seats.delete(character)
      spectator.redirect('TryAgain')
      spectator.goodbye('TryAgain')
    }
  }

  #addViews(state: LayerState, frames: Map<string, Captured[]>): void {
    if (this.#seats.size === 0) return
    const grid = new Grid(state)
    for (const [character, { view, welcomed }] of this.#seats) {
      const player = state.players.get(character)
      if (player !== undefined && welcomed) frames.get(character)?.push(viewFrames(state, grid, player, view))
    }
  }
}
