import { BailiwickError } from '../core/errors.ts'
import { type LayerId, parseLayerId } from '../core/ids.ts'
import { claimLayer } from './claim.ts'
import { readHostedZone } from './hosted-zone.ts'
import { Layer, type LayerDeps, type LayerEnd } from './layer.ts'
import { contentHash, firstInputs, simulationSettings } from './restore.ts'
import { type LayerState, newState } from './simulation/state.ts'

export type OpenLayerDeps = Omit<LayerDeps, 'onEnd'>

export interface OpenLayerRequest {
  readonly layer: LayerId
  readonly generation: number
  /** Ends the claim: what was claimed by then is not served. */
  readonly signal: AbortSignal
  /** The layer is over; called once, last. `failure`: why this host could not go on with it. */
  readonly onEnd: (how: LayerEnd, failure?: unknown) => void
}

/** Claims a layer and serves it. Throws ZoneUnknown, and what claimLayer throws. */
export async function openLayer(deps: OpenLayerDeps, { layer, generation, signal, onEnd }: OpenLayerRequest): Promise<Layer> {
  const { index, store, log, timers, packing, host } = deps
  const zone = await readHostedZone(index, parseLayerId(layer).zone)
  if (zone === undefined) throw new BailiwickError('ZoneUnknown', { asked: layer })
  const settings = simulationSettings(zone.settings, zone.content)
  const fresh = (): LayerState => newState(layer, settings)
  const request = { layer, generation, host, content: contentHash(settings), fresh }
  const claimed = await claimLayer(request, { store, index, log, timers, packing }, signal)
  const inputs = await firstInputs(claimed.state, settings, store, log)
  signal.throwIfAborted()
  return new Layer({ generation, zone, claimed, firstInputs: inputs }, { ...deps, onEnd })
}
