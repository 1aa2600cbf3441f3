import { BailiwickError } from '../core/errors.ts'
import { type LayerId, parseLayerId } from '../core/ids.ts'
import type { ZoneIndex } from '../core/ports/index-port.ts'
import { type ClaimedZone, claimLayer } from './claim.ts'
import { type HostedZone, readHostedZone } from './hosted-zone.ts'
import { Layer, type LayerDeps, type LayerEnd } from './layer.ts'
import { contentHash, firstInputs, simulationSettings } from './restore.ts'
import { newState, type SimulationSettings } from './simulation/state.ts'

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
  const reading = readZone(index, layer)
  // A claim that ends before it asks for the zone says why.
  reading.catch(() => undefined)
  const request = { layer, generation, host, zone: reading }
  const claimed = await claimLayer(request, { store, index, log, timers, packing }, signal)
  const { zone, settings } = await reading
  const inputs = await firstInputs(claimed.state, settings, store, log)
  signal.throwIfAborted()
  return new Layer({ generation, zone, claimed, firstInputs: inputs }, { ...deps, onEnd })
}

interface ReadZone extends ClaimedZone {
  readonly zone: HostedZone
  readonly settings: SimulationSettings
}

/** What is served and with which settings. Throws ZoneUnknown, and what readHostedZone throws. */
async function readZone(index: ZoneIndex, layer: LayerId): Promise<ReadZone> {
  const zone = await readHostedZone(index, parseLayerId(layer).zone)
  if (zone === undefined) throw new BailiwickError('ZoneUnknown', { asked: layer })
  const settings = simulationSettings(zone.settings, zone.content)
  return { zone, settings, content: contentHash(settings), fresh: () => newState(layer, settings) }
}
