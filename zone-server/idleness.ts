import type { Clock } from '../core/clock.ts'
import type { ZoneSettings } from '../core/settings.ts'
import { CLOSE_RETRY_EVERY } from '../core/timing.ts'

/** For how long nobody has been in a layer. */
export class Idleness {
  readonly #clock: Clock
  #since: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#since = clock.now()
  }

  /** True when the layer may be put to sleep. If that is refused, the next time is a little later. */
  isOver({ activation, idleAfterMs }: Pick<ZoneSettings, 'activation' | 'idleAfterMs'>, isBusy: boolean): boolean {
    const now = this.#clock.now()
    if (activation !== 'OnDemand' || isBusy) this.#since = now
    if (now - this.#since < idleAfterMs) return false
    this.#since = now - idleAfterMs + CLOSE_RETRY_EVERY
    return true
  }
}
