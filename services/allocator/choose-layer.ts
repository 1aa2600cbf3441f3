import { type LayerId, layerId, type ZoneId } from '../../core/ids.ts'
import { type CrowdSettings, layerThatTakes } from '../../core/layer-demand.ts'
import type { CharacterLocation, LayerView } from '../../core/ports/index-port.ts'

/** In the order in which a join would rather wait for it: one on its way, one to be woken, one that goes away first. */
const waitRank: Readonly<Record<Exclude<LayerView['state'], 'Barred'>, number>> = {
  Claiming: 0,
  Assigned: 0,
  Wished: 0,
  Asleep: 1,
  Closing: 2,
  Serving: 2,
}

/**
 * Which layer a character joins: the one it is in already (a lost connection finds its place, whatever the crowd); else the open one that takes players (core/layer-demand.ts);
 * else the lowest that can be opened below `max`. Undefined when all are full. `layers`: what the index knows; a layer that is not among them is asleep.
 */
export function chooseLayer(settings: CrowdSettings, layers: readonly LayerView[], location?: CharacterLocation): LayerId | undefined {
  const known = new Map(layers.map((view) => [view.layer, view]))
  const indices = layersOf(settings)
  const own = indices.find((layer) => location?.state === 'InZone' && location.layer === layer)
  if (own !== undefined && known.get(own)?.closeRequested !== 'ScaleDown') return own
  return layerThatTakes(settings, layers) ?? toOpen(indices, known)
}

function toOpen(indices: readonly LayerId[], known: ReadonlyMap<LayerId, LayerView>): LayerId | undefined {
  let best: { layer: LayerId; rank: number } | undefined
  for (const layer of indices) {
    const view = known.get(layer)
    const state = view?.state ?? 'Asleep'
    // Open and full, or not to be placed.
    if ((state === 'Serving' && view?.closeRequested === undefined) || state === 'Barred') continue
    const rank = waitRank[state]
    if (best === undefined || rank < best.rank) best = { layer, rank }
  }
  return best?.layer
}

/** Every layer that the zone may have now. */
export function layersOf(settings: { readonly zone: ZoneId; readonly layers: { readonly max: number } }): readonly LayerId[] {
  return Array.from({ length: settings.layers.max }, (_, index) => layerId(settings.zone, index))
}
