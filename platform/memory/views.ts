import type { LayerId, ZoneId } from '../../core/ids.ts'
import type { FleetView, HostView, LayerView } from '../../core/ports/index-port.ts'
import { isDead, type Moment } from './decide.ts'
import { byName, type HostRecord, type LayerRecord, zoneOf } from './records.ts'

/** What the index answers about hosts and layers: copies of the records, so that a reader keeps what was true then. */

export interface LayerFacts {
  readonly layer: LayerRecord | undefined
  readonly host: HostRecord | undefined
  readonly barred: boolean
  readonly now: number
}

/** A layer that nobody hosts in a barred zone is Barred, whatever its record says. */
export function viewOfLayer(id: LayerId, { layer, host, barred, now }: LayerFacts): LayerView {
  const state = layer?.state ?? 'Asleep'
  return {
    layer: id,
    state: barred && host === undefined ? 'Barred' : state,
    generation: layer?.generation ?? 0,
    epoch: layer?.epoch ?? 0,
    host: host?.name,
    node: host?.node,
    endpoints: [...(host?.endpoints ?? [])],
    players: layer?.players ?? 0,
    dataSafe: layer?.dataSafe ?? true,
    closeRequested: layer?.close,
    since: layer?.since ?? now,
    failure: layer?.failure,
  }
}

function viewOfHost(host: HostRecord, at: Moment): HostView {
  const { name, incarnation, node, endpoints, capacity, outdated, lastSeen, emptySince, layers, players } = host
  // A record of an earlier release has none.
  const cordoned = host.cordoned ?? false
  const load = { cpu: host.cpu ?? 0, lateness: host.lateness ?? 0 }
  const dead = host.dead || (host.state !== 'Leaving' && isDead(host, at))
  const state = dead ? 'Dead' : host.state
  return {
    name,
    incarnation,
    node,
    endpoints: [...endpoints],
    capacity,
    state,
    outdated,
    cordoned,
    lastSeen,
    emptySince,
    layers,
    players,
    load,
  }
}

export interface FleetFacts extends Moment {
  readonly hosts: ReadonlyMap<string, HostRecord>
  readonly layers: ReadonlyMap<LayerId, LayerRecord>
  readonly bars: { has(zone: ZoneId): boolean; keys(): Iterable<ZoneId> }
}

export function layerView(fleet: FleetFacts, id: LayerId): LayerView {
  const layer = fleet.layers.get(id)
  const host = layer?.host === undefined ? undefined : fleet.hosts.get(layer.host)
  return viewOfLayer(id, { layer, host, barred: fleet.bars.has(zoneOf(id)), now: fleet.now })
}

export function hostViews(fleet: Omit<FleetFacts, 'layers'>): readonly HostView[] {
  return [...fleet.hosts.values()].sort((a, b) => byName(a.name, b.name)).map((host) => viewOfHost(host, fleet))
}

export function barredZones({ bars }: Pick<FleetFacts, 'bars'>): readonly ZoneId[] {
  return [...bars.keys()].sort(byName)
}

export function fleetView(fleet: FleetFacts): FleetView {
  const layers = [...fleet.layers.keys()].sort(byName).map((layer) => layerView(fleet, layer))
  return { now: fleet.now, hosts: hostViews(fleet), layers, barred: barredZones(fleet) }
}
