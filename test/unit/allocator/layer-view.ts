import { layerId } from '../../../core/ids.ts'
import type { LayerState, LayerView } from '../../../core/ports/index-port.ts'

/** What the index says of a layer of game/meadow. */
export function layerView(index: number, state: LayerState, players = 0, parts: Partial<LayerView> = {}): LayerView {
  return {
    layer: layerId('game/meadow', index),
    state,
    generation: 1,
    epoch: 1,
    host: undefined,
    node: undefined,
    endpoints: [],
    players,
    dataSafe: true,
    closeRequested: undefined,
    since: 0,
    failure: undefined,
    ...parts,
  }
}
