import type { LayerId, ZoneId } from '../../core/ids.ts'
import type { CloseReason } from '../../core/ports/index-port.ts'
import { requestClose } from './layers.ts'
import { layerChanged, layersOf } from './place.ts'
import { type FleetState, zoneOf } from './records.ts'

/** Which zones may not be placed in the fleet. platform/redis/library/bars.lua is the same in Lua. */

export function barZone(fleet: FleetState, zone: ZoneId, reason: CloseReason): void {
  const bar = fleet.bars.get(zone)
  if (bar?.reason === reason && bar.forgetAt === undefined) return
  fleet.bars.set(zone, { reason, forgetAt: undefined })
  for (const layer of layersOf(fleet, zone)) {
    layer.wished = false
    // Nothing is to be closed, but it reads as Barred from now on.
    if (layer.state === 'Asleep' || layer.state === 'Quarantined') layerChanged(fleet, layer)
    requestClose(fleet, layer.layer, reason)
  }
}

export function unbarZone(fleet: FleetState, zone: ZoneId): void {
  if (!fleet.bars.delete(zone)) return
  for (const layer of layersOf(fleet, zone)) fleet.changed({ kind: 'layer', layer: layer.layer, host: layer.host })
}

/** Only layers that nobody hosts are dropped; a second call, when the last is closed, drops the rest. */
export function forgetZone(fleet: FleetState, zone: ZoneId): void {
  const bar = fleet.bars.get(zone)
  if (bar === undefined) return
  bar.forgetAt = fleet.now + fleet.rules.barForgottenAfter
  for (const { layer, state } of layersOf(fleet, zone)) if (state === 'Asleep' || state === 'Quarantined') dropLayer(fleet, layer)
}

function dropLayer(fleet: FleetState, layer: LayerId): void {
  fleet.layers.delete(layer)
  const zone = zoneOf(layer)
  fleet.ofZone.get(zone)?.delete(layer)
  if (fleet.ofZone.get(zone)?.size === 0) fleet.ofZone.delete(zone)
  fleet.changed({ kind: 'layer', layer, host: undefined })
}
