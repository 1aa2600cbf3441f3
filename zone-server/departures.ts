import { BailiwickError } from '../core/errors.ts'
import type { Spectator } from './audience.ts'
import { refusedFrame } from './outgoing.ts'
import type { Departure } from './simulation/output.ts'
import type { Release } from './simulation/state.ts'

/** Clients whose character has left the simulation: they are told so when the leaving is confirmed, and if it is released, when that is stored. */
export class Departures {
  /** By the release's id. */
  readonly #waiting = new Map<string, { readonly spectator: Spectator; readonly reason: string }>()

  /** They have left; answers what is to be done when the tick is confirmed. */
  left({ reason, release }: Departure, spectator: Spectator | undefined): () => void {
    if (spectator === undefined) return () => undefined
    if (release === undefined) return () => spectator.goodbye(reason)
    this.#waiting.set(release, { spectator, reason })
    return () => undefined
  }

  released({ id }: Release): void {
    const client = this.#waiting.get(id)
    this.#waiting.delete(id)
    client?.spectator.goodbye(client.reason)
  }

  /** The store does not answer for now. */
  delayed({ id, name }: Release): void {
    const error = new BailiwickError('StoreUnavailable', {
      asked: `the release of ${name}`,
      todo: 'it is stored as soon as the store answers',
    })
    this.#waiting.get(id)?.spectator.send([refusedFrame(error)])
  }

  /** Those who wait; nothing is said to them here any more. */
  clear(): readonly Spectator[] {
    const spectators = [...this.#waiting.values()].map(({ spectator }) => spectator)
    this.#waiting.clear()
    return spectators
  }
}
