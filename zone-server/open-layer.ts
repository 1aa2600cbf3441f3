import type { Timers } from '../core/clock.ts'
import { BailiwickError } from '../core/errors.ts'
import { type FleetId, type LayerId, parseLayerId } from '../core/ids.ts'
import type { ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { Store } from '../core/ports/store-port.ts'
import { claimLayer } from './claim.ts'
import type { JournalWriter } from './commit/journal-writer.ts'
import { Layer, type LayerEnd } from './layer.ts'
import type { Packing } from './packing.ts'
import { contentHash, firstInputs, simulationSettings } from './restore.ts'
import { type LayerState, newState } from './simulation/state.ts'

export interface OpenLayerDeps {
  readonly store: Store
  readonly index: ZoneIndex
  readonly fleet: FleetId
  readonly host: string
  readonly log: Log
  readonly timers: Timers
  /** How what is written to the chain is compressed and checked. */
  readonly packing: Packing
  /** The host's one writer of the journal. */
  readonly writer: JournalWriter
  /** Told how long each tick took, in seconds. */
  readonly onTick: (seconds: number) => void
  /** The layer's report has news. */
  readonly onChange: () => void
}

export interface OpenLayerRequest {
  readonly layer: LayerId
  readonly generation: number
  /** Ends the claim: what was claimed by then is not served. */
  readonly signal: AbortSignal
  /** The layer is over; called once, last. */
  readonly onEnd: (how: LayerEnd) => void
}

/** Claims a layer and serves it. Throws ZoneUnknown, and what claimLayer throws. */
export async function openLayer(deps: OpenLayerDeps, { layer, generation, signal, onEnd }: OpenLayerRequest): Promise<Layer> {
  const { index, store, log, timers, packing, host } = deps
  const zone = await index.getZone(parseLayerId(layer).zone)
  if (zone === undefined) throw new BailiwickError('ZoneUnknown', { asked: layer })
  const fresh = (): LayerState => newState(layer, simulationSettings(zone))
  const request = { layer, generation, host, content: contentHash(zone), fresh }
  const claimed = await claimLayer(request, { store, index, log, timers, packing }, signal)
  const inputs = await firstInputs(claimed.state, zone, store, log)
  signal.throwIfAborted()
  return new Layer({ generation, zone, claimed, firstInputs: inputs }, { ...deps, onEnd })
}
