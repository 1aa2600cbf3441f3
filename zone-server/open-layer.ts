import type { LayerId } from '../core/ids.ts'
import { claimLayer } from './claim.ts'
import { Layer, type LayerDeps, type LayerEnd } from './layer.ts'
import type { ReadAhead } from './read-ahead.ts'
import { firstInputs } from './restore.ts'

export interface OpenLayerDeps extends Omit<LayerDeps, 'onEnd'> {
  readonly zones: Pick<ReadAhead, 'take'>
}

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
  const { index, store, log, timers, packing, host, zones } = deps
  const { zone: reading, firstLook } = zones.take(layer)
  // A claim that ends before it asks for the zone says why.
  reading.catch(() => undefined)
  const request = { layer, generation, host, zone: reading, firstLook }
  const claimed = await claimLayer(request, { store, index, log, timers, packing }, signal)
  const { zone, settings } = await reading
  const inputs = await firstInputs(claimed.state, settings, store, log)
  signal.throwIfAborted()
  return new Layer({ generation, zone, claimed, firstInputs: inputs }, { ...deps, onEnd })
}
