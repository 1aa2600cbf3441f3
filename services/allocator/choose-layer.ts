import { type LayerId, layerId, parseLayerId, type ZoneId } from '../../core/ids.ts'
import { type CrowdSettings, layerThatTakes } from '../../core/layer-demand.ts'
import type { CharacterLocation, LayerView } from '../../core/ports/index-port.ts'

/** In the order in which a join would rather wait for it: one on its way, one to be woken, one that goes away first. */
const waitRank: Readonly<Record<Exclude<LayerView['state'], 'Barred' | 'Quarantined'>, number>> = {
  Claiming: 0,
  Assigned: 0,
  Wished: 0,
  Asleep: 1,
  Closing: 2,
  Serving: 2,
}

/**
 * Which layer a character joins: the one it is in already (a lost connection finds its place, whatever the crowd); else the open one that takes players (core/layer-demand.ts);
 * else the lowest that can be opened below `max`. Undefined when all are full or set aside. `layers`: what the index knows; a layer that is not among them is asleep.
 *
 * The one it is in may be beyond `max`: its host died, before or while the zone was scaled down, and nobody let the character go. Only an owner may, so the layer is opened once
 * more; the operator has it closed at once, and that releases everybody who is held there.
 */
export function chooseLayer(settings: CrowdSettings, layers: readonly LayerView[], location?: CharacterLocation): LayerId | undefined {
  const known = new Map(layers.map((view) => [view.layer, view]))
  const indices = layersOf(settings)
  const own = ownLayer(settings, location)
  if (own !== undefined && staysOpen(known.get(own), indices.includes(own))) return own
  return layerThatTakes(settings, layers) ?? toOpen(settings, known)
}

/** The layer of this zone that the character is in. */
function ownLayer({ zone }: CrowdSettings, location: CharacterLocation | undefined): LayerId | undefined {
  if (location?.state !== 'InZone' || location.layer === undefined) return undefined
  return parseLayerId(location.layer).zone === zone ? location.layer : undefined
}

/** One beyond `max` that closes is not waited for: it does not open again. */
function staysOpen(view: LayerView | undefined, isWithin: boolean): boolean {
  if (view?.closeRequested === 'ScaleDown') return false
  return isWithin || view?.state !== 'Closing'
}

/** Every layer that the zone may have now, and the one that the character is in. */
export function layersFor(settings: CrowdSettings, location: CharacterLocation | undefined): readonly LayerId[] {
  const own = ownLayer(settings, location)
  const within = layersOf(settings)
  return own === undefined || within.includes(own) ? within : [...within, own]
}

function toOpen(settings: CrowdSettings, known: ReadonlyMap<LayerId, LayerView>): LayerId | undefined {
  let best: { layer: LayerId; rank: number } | undefined
  for (const layer of layersOf(settings)) {
    const view = known.get(layer)
    const state = view?.state ?? 'Asleep'
    // Open and full, or not to be placed.
    if ((state === 'Serving' && view?.closeRequested === undefined) || state === 'Barred' || state === 'Quarantined') continue
    const rank = waitRank[state]
    // So many are on their way to it already that it will be full.
    if (rank === 0 && (view?.players ?? 0) >= settings.layers.maxPlayers) continue
    if (best === undefined || rank < best.rank) best = { layer, rank }
  }
  return best?.layer
}

/** Every layer that the zone may have now. */
export function layersOf(settings: { readonly zone: ZoneId; readonly layers: { readonly max: number } }): readonly LayerId[] {
  return Array.from({ length: settings.layers.max }, (_, index) => layerId(settings.zone, index))
}
