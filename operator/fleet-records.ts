import { type LayerId, parseLayerId, type ZoneId } from '../core/ids.ts'
import type { FleetNews, LayerView } from '../core/ports/index-port.ts'

const NONE: ReadonlyMap<LayerId, LayerView> = new Map()

/** The layers and bars of one fleet, kept by its news: what did not change costs nothing. */
export class FleetRecords {
  readonly #layers = new Map<ZoneId, Map<LayerId, LayerView>>()
  /** Layers with players. */
  readonly #peopled = new Set<LayerId>()
  #barred: ReadonlySet<ZoneId> = new Set()

  /** Takes the news in, all of one moment; answers the zones of which something may be new. */
  take(news: FleetNews): ReadonlySet<ZoneId> {
    const changed = new Set<ZoneId>()
    if (news.whole) {
      for (const zone of this.#layers.keys()) changed.add(zone)
      this.#layers.clear()
      this.#peopled.clear()
    }
    for (const view of news.layers) changed.add(this.#put(view))
    for (const layer of news.gone) changed.add(this.#drop(layer))
    if (news.players !== undefined) this.#count(news.players, changed)
    if (news.barred !== undefined) this.#bar(new Set(news.barred), changed)
    return changed
  }

  layersOf(zone: ZoneId): ReadonlyMap<LayerId, LayerView> {
    return this.#layers.get(zone) ?? NONE
  }

  isBarred(zone: ZoneId): boolean {
    return this.#barred.has(zone)
  }

  #put(view: LayerView): ZoneId {
    const { zone } = parseLayerId(view.layer)
    const layers = this.#layers.get(zone) ?? new Map()
    this.#layers.set(zone, layers.set(view.layer, view))
    if (view.players > 0) this.#peopled.add(view.layer)
    else this.#peopled.delete(view.layer)
    return zone
  }

  #drop(layer: LayerId): ZoneId {
    const { zone } = parseLayerId(layer)
    const layers = this.#layers.get(zone)
    layers?.delete(layer)
    if (layers?.size === 0) this.#layers.delete(zone)
    this.#peopled.delete(layer)
    return zone
  }

  /** Layers that are not named have none. */
  #count(players: ReadonlyMap<LayerId, number>, changed: Set<ZoneId>): void {
    const left = [...this.#peopled].filter((layer) => !players.has(layer)).map((layer) => [layer, 0] as const)
    for (const [layer, count] of [...left, ...players]) {
      const view = this.layersOf(parseLayerId(layer).zone).get(layer)
      if (view !== undefined && view.players !== count) changed.add(this.#put({ ...view, players: count }))
    }
  }

  #bar(barred: ReadonlySet<ZoneId>, changed: Set<ZoneId>): void {
    for (const zone of barred) if (!this.#barred.has(zone)) changed.add(zone)
    for (const zone of this.#barred) if (!barred.has(zone)) changed.add(zone)
    this.#barred = barred
  }
}
