import { parseLayerId, parsePair } from '../../core/ids.ts'
import type { LayerState, LayerView } from '../../core/ports/index-port.ts'
import type { ZoneSettings } from '../../core/settings.ts'

export type ZoneState = 'Asleep' | 'Waking' | 'Serving' | 'Suspended'

export interface ZoneHead {
  readonly namespace: string
  readonly name: string
  readonly state: ZoneState
  readonly players: number
}

export interface LayerDescription {
  readonly index: number
  readonly state: LayerState
  readonly epoch: number
  readonly players: number
  readonly endpoints: readonly string[]
}

/** A zone for the list: with the number of its served layers. */
export function summarizeZone(settings: ZoneSettings, layers: readonly LayerView[]): ZoneHead & { readonly layers: number } {
  return { ...head(settings, layers), layers: layers.filter(isServed).length }
}

/** A zone with each layer that is not asleep, in order. */
export function detailZone(
  settings: ZoneSettings,
  layers: readonly LayerView[],
): ZoneHead & { readonly layers: readonly LayerDescription[]; readonly neighbours: readonly string[] } {
  const described = layers
    .filter((view) => view.state !== 'Asleep')
    .map((view) => ({
      index: parseLayerId(view.layer).index,
      state: view.state,
      epoch: view.epoch,
      players: view.players,
      // Where it is not served any more, nobody shall knock.
      endpoints: isServed(view) ? view.endpoints : [],
    }))
    .sort((a, b) => a.index - b.index)
  return { ...head(settings, layers), layers: described, neighbours: settings.neighbours ?? [] }
}

function head(settings: ZoneSettings, layers: readonly LayerView[]): ZoneHead {
  const players = layers.reduce((sum, view) => sum + view.players, 0)
  return { ...parsePair(settings.zone), state: stateOf(settings, layers), players }
}

const waking: ReadonlySet<LayerState> = new Set(['Wished', 'Assigned', 'Claiming'])

function stateOf(settings: ZoneSettings, layers: readonly LayerView[]): ZoneState {
  if (settings.suspended) return 'Suspended'
  if (layers.some(isServed)) return 'Serving'
  return layers.some((view) => waking.has(view.state)) ? 'Waking' : 'Asleep'
}

function isServed(view: LayerView): boolean {
  return view.state === 'Serving'
}
