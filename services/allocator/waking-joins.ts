import type { Clock } from '../../core/clock.ts'
import type { LayerId } from '../../core/ids.ts'
import type { LayerView } from '../../core/ports/index-port.ts'
import { HEARTBEAT_EVERY, TICKET_TTL } from '../../core/timing.ts'

/** Its host has told by then who of those that it held came in. */
const REPORTED_AFTER = HEARTBEAT_EVERY * 2

interface Crowd {
  /** When each character was sent there last, the longest ago first. */
  readonly sentAt: Map<string, number>
  /** Since when the layer is known to be served. */
  servedSince: number | undefined
}

/**
 * Who was sent to a layer that was not served yet. Its host holds them and reports no players, for as long as the claim takes; so they are counted here until it is served, and as long as their tickets are good. By
 * character: who asks again, because the claim failed, does not take a second place.
 */
export class WakingJoins {
  readonly #clock: Clock
  readonly #crowds = new Map<LayerId, Crowd>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  sent(layer: LayerId, character: string): void {
    const crowd = this.#crowds.get(layer) ?? { sentAt: new Map<string, number>(), servedSince: undefined }
    this.#crowds.set(layer, crowd)
    crowd.sentAt.delete(character)
    crowd.sentAt.set(character, this.#clock.now())
  }

  /** False: it was not on its way there. */
  stayed(layer: LayerId, character: string): boolean {
    return this.#crowds.get(layer)?.sentAt.delete(character) ?? false
  }

  /** How many are on their way to the layer and are not among its players yet, by what the index says of it now. */
  expected({ layer, state }: Pick<LayerView, 'layer' | 'state'>): number {
    const crowd = this.#crowds.get(layer)
    if (crowd === undefined) return 0
    const now = this.#clock.now()
    if (state === 'Serving') crowd.servedSince ??= now
    // Served and reported; or that was an earlier assignment of it.
    const isOver = crowd.servedSince !== undefined && (state !== 'Serving' || now - crowd.servedSince >= REPORTED_AFTER)
    if (isOver) this.#crowds.delete(layer)
    else dropExpired(crowd, now)
    return isOver ? 0 : crowd.sentAt.size
  }

  /** Drops whose tickets are no longer good. */
  forget(): void {
    const now = this.#clock.now()
    for (const [layer, crowd] of this.#crowds) {
      dropExpired(crowd, now)
      if (crowd.sentAt.size === 0) this.#crowds.delete(layer)
    }
  }
}

function dropExpired({ sentAt }: Crowd, now: number): void {
  for (const [character, at] of sentAt) {
    if (now - at < TICKET_TTL) return
    sentAt.delete(character)
  }
}
