import type { LayerId, ZoneId } from '../core/ids.ts'
import { layerToClose } from '../core/layer-demand.ts'
import type { LayerView } from '../core/ports/index-port.ts'
import type { ZoneSettings } from '../core/settings.ts'

/** A layer that the crowd does not need, and since when (operator's clock, ms) there is such a one in the zone. */
export interface Surplus {
  readonly layer: LayerId
  readonly since: number
}

/**
 * Remembers since when each zone's crowd would fit into fewer layers. A crowd that grows in between begins anew, and so does an operator that takes over: then a layer stays open
 * somewhat longer.
 */
export class Surpluses {
  readonly #since = new Map<ZoneId, number>()

  /** Looks at the zone's layers as they are now. */
  look(settings: ZoneSettings, views: readonly LayerView[], now: number): Surplus | undefined {
    const layer = layerToClose(settings, views)
    if (layer === undefined) {
      this.#since.delete(settings.zone)
      return undefined
    }
    const since = this.#since.get(settings.zone) ?? now
    this.#since.set(settings.zone, since)
    return { layer, since }
  }

  forget(zone: ZoneId): void {
    this.#since.delete(zone)
  }
}
