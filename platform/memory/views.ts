import type { LayerId } from '../../core/ids.ts'
import type { FleetView, HostView, LayerView } from '../../core/ports/index-port.ts'
import { isDead } from './decide.ts'
import { byName, type FleetState, type HostRecord, zoneOf } from './records.ts'

/** What the index answers about hosts and layers: copies, so that a reader keeps what was true then. */
export function layerView(fleet: FleetState, id: LayerId): LayerView {
  const layer = fleet.layers.get(id)
  const barred = fleet.bars.has(zoneOf(id))
  if (layer === undefined) {
    return {
      layer: id,
      state: barred ? 'Barred' : 'Asleep',
      generation: 0,
      epoch: 0,
      host: undefined,
      node: undefined,
      endpoints: [],
      players: 0,
      closeRequested: undefined,
      since: fleet.now,
      failure: undefined,
    }
  }
  const host = layer.host === undefined ? undefined : fleet.hosts.get(layer.host)
  return {
    layer: id,
    state: barred && host === undefined ? 'Barred' : layer.state,
    generation: layer.generation,
    epoch: layer.epoch,
    host: host?.name,
    node: host?.node,
    endpoints: host === undefined ? [] : [...host.endpoints],
    players: layer.players,
    closeRequested: layer.close,
    since: layer.since,
    failure: layer.failure,
  }
}

function hostView(fleet: FleetState, host: HostRecord): HostView {
  const { name, incarnation, node, endpoints, capacity, outdated, lastSeen, emptySince, layers, players } = host
  const dead = host.dead || (host.state !== 'Leaving' && isDead(host, fleet))
  const state = dead ? 'Dead' : host.state
  return { name, incarnation, node, endpoints: [...endpoints], capacity, state, outdated, lastSeen, emptySince, layers, players }
}

export function fleetView(fleet: FleetState): FleetView {
  return {
    now: fleet.now,
    hosts: [...fleet.hosts.values()].sort((a, b) => byName(a.name, b.name)).map((host) => hostView(fleet, host)),
    layers: [...fleet.layers.keys()].sort(byName).map((layer) => layerView(fleet, layer)),
    barred: [...fleet.bars.keys()].sort(byName),
  }
}
