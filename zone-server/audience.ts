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

/** Frames of one tick, for one client each: made at the tick, sent when the tick may leave. */
export type Delivery = readonly { readonly spectator: Spectator; readonly frames: readonly Uint8Array[] }[]

/** Who of the residents has a connection, and what each of them is told. */
export class Audience {
  readonly #seats = new Map<string, Seat>()
  readonly #epoch: number

  constructor(epoch: number) {
    this.#epoch = epoch
  }

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

  /** What the tick says to each client, in the order it happened, then what it sees. */
  frames(state: LayerState, output: TickOutput): Delivery {
    const frames = new Map<string, Uint8Array[]>()
    for (const character of this.#seats.keys()) frames.set(character, [])
    for (const { to, message } of output.messages) {
      if (to === undefined) {
        const frame = messageFrame(state, this.#epoch, '', message)
        for (const [character, seat] of this.#seats) if (seat.welcomed && frame !== undefined) frames.get(character)?.push(frame)
        continue
      }
      const seat = this.#seats.get(to)
      if (seat === undefined) continue
      if (message.kind === 'welcome') seat.welcomed = true
      if (message.kind === 'welcome' || message.kind === 'look') seat.view.forget()
      const frame = messageFrame(state, this.#epoch, to, message)
      if (frame !== undefined) frames.get(to)?.push(frame)
    }
    this.#turnAwayUnwelcomed()
    this.#addViews(state, frames)
    return [...frames].flatMap(([character, list]) => {
      const spectator = this.#seats.get(character)?.spectator
      return spectator === undefined || list.length === 0 ? [] : [{ spectator, frames: list }]
    })
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

  #addViews(state: LayerState, frames: Map<string, Uint8Array[]>): void {
    if (this.#seats.size === 0) return
    const grid = new Grid(state)
    for (const [character, { view, welcomed }] of this.#seats) {
      const player = state.players.get(character)
      if (player !== undefined && welcomed) frames.get(character)?.push(...viewFrames(state, this.#epoch, grid, player, view))
    }
  }
}
