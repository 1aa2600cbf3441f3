import type { LayerId, ZoneId } from '../core/ids.ts'
import { isOpen, layerToClose } from '../core/layer-demand.ts'
import type { LayerView } from '../core/ports/index-port.ts'
import type { ZoneSettings } from '../core/settings.ts'

/** A layer that the crowd does not need, and since when (operator's clock, ms) there is such a one in the zone. */
export interface Surplus {
  readonly layer: LayerId
  readonly since: number
}

/**
 * Remembers since when each zone's crowd would fit into fewer layers than are open. A crowd that grows in between begins anew, another number of open layers too (the players of the one that was
 * closed are on their way), and so does an operator that takes over: then a layer stays open somewhat longer.
 */
export class Surpluses {
  readonly #known = new Map<ZoneId, { readonly since: number; readonly open: number }>()

  /** Looks at the zone's layers as they are now. */
  look(settings: ZoneSettings, views: readonly LayerView[], now: number): Surplus | undefined {
    const layer = layerToClose(settings, views)
    if (layer === undefined) {
      this.#known.delete(settings.zone)
      return undefined
    }
    const open = views.filter(isOpen).length
    const known = this.#known.get(settings.zone)
    const since = known?.open === open ? known.since : now
    this.#known.set(settings.zone, { since, open })
    return { layer, since }
  }

  forget(zone: ZoneId): void {
    this.#known.delete(zone)
  }
}
