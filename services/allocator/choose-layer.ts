import { type LayerId, layerId, type ZoneId } from '../../core/ids.ts'
import type { CharacterLocation, LayerView } from '../../core/ports/index-port.ts'
import type { ZoneSettings } from '../../core/settings.ts'

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
 * Which layer a character joins: the one it is in already (a lost connection finds its place, whatever the crowd); else, of the first `min` layers, the open one with the fewest players;
 * else the first open one beyond; else the lowest that can be opened below `max`. Undefined when all are full.
 * `layers`: what the index knows; a layer that is not among them is asleep.
 */
export function chooseLayer(
  settings: Pick<ZoneSettings, 'zone' | 'layers'>,
  layers: readonly LayerView[],
  location?: CharacterLocation,
): LayerId | undefined {
  const known = new Map(layers.map((view) => [view.layer, view]))
  const indices = Array.from({ length: settings.layers.max }, (_, index) => layerId(settings.zone, index))
  const own = indices.find((layer) => location?.state === 'InZone' && location.layer === layer)
  if (own !== undefined && known.get(own)?.closeRequested !== 'ScaleDown') return own
  const open = indices.filter((layer) => isOpen(known.get(layer), settings.layers.maxPlayers))
  const players = (layer: LayerId): number => known.get(layer)?.players ?? 0
  const shared = indices.slice(0, settings.layers.min).filter((layer) => open.includes(layer))
  const [first, ...others] = shared
  if (first !== undefined) return others.reduce((best, layer) => (players(layer) < players(best) ? layer : best), first)
  return open[0] ?? toOpen(indices, known)
}

function isOpen(view: LayerView | undefined, maxPlayers: number): boolean {
  return view?.state === 'Serving' && view.closeRequested === undefined && view.players < maxPlayers
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
