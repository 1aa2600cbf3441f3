import type { Clock } from '../../core/clock.ts'
import type { LayerId } from '../../core/ids.ts'
import type { LayerView } from '../../core/ports/index-port.ts'
import { HEARTBEAT_EVERY } from '../../core/timing.ts'
import { WakingJoins } from './waking-joins.ts'

/**
 * Who was sent to a layer just now and is not among its players yet: hosts report those with their heartbeats. Counted between one and two of them, so that a crowd that
 * comes at once is spread as if every join saw the one before; and those who were sent before it was served until it is. Of this process alone: what others send there is seen with the next report, and the host has
 * the last word.
 */
export class RecentJoins {
  readonly #clock: Clock
  readonly #waking: WakingJoins
  #since: number
  #now = new Map<LayerId, number>()
  #before = new Map<LayerId, number>()

  constructor(clock: Clock) {
    this.#clock = clock
    this.#waking = new WakingJoins(clock)
    this.#since = clock.now()
  }

  /** The character is being sent to the layer. */
  sent(layer: LayerId, character: string, isServed: boolean): void {
    this.#turn()
    if (isServed) this.#now.set(layer, (this.#now.get(layer) ?? 0) + 1)
    else this.#waking.sent(layer, character)
  }

  /** The character that was being sent to the layer could not go. */
  stayed(layer: LayerId, character: string): void {
    if (this.#waking.stayed(layer, character)) return
    const count = this.#now.get(layer) ?? 0
    if (count > 1) this.#now.set(layer, count - 1)
    else this.#now.delete(layer)
  }

  /** The layers with those who are on their way to them. */
  expected(views: readonly LayerView[]): readonly LayerView[] {
    this.#turn()
    return views.map((view) => {
      const onTheirWay = (this.#now.get(view.layer) ?? 0) + (this.#before.get(view.layer) ?? 0) + this.#waking.expected(view)
      return onTheirWay === 0 ? view : { ...view, players: view.players + onTheirWay }
    })
  }

  #turn(): void {
    const passed = this.#clock.now() - this.#since
    if (passed >= 0 && passed < HEARTBEAT_EVERY) return
    this.#before = passed >= 0 && passed < HEARTBEAT_EVERY * 2 ? this.#now : new Map()
    this.#now = new Map()
    this.#since = this.#clock.now()
    this.#waking.forget()
  }
}
