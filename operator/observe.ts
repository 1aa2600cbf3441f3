import { type FleetId, fleetId, type ZoneId } from '../core/ids.ts'
import { withUnknown } from '../core/other-releases.ts'
import type { LayerState, LayerView } from '../core/ports/index-port.ts'
import type { Autoscaler, Fleet, FleetSource, ZoneSource } from '../core/ports/zone-source-port.ts'
import { LAYERS_FIELDS, SETTINGS_FIELDS, type ZoneSettings } from '../core/settings.ts'
import { retryAsked, wantedFleet, type Zone, zoneSettings } from '../core/zone.ts'
import type { ContentFacts, ContentMirror } from './content-mirror.ts'
import type { Placement } from './fleet-mirror.ts'
import type { IndexMirror } from './index-mirror.ts'
import { type Neighbour, neighboursOf } from './neighbours.ts'
import type { Surplus, Surpluses } from './surplus.ts'

/** One fleet as far as a zone is concerned. */
export interface FleetFacts {
  readonly id: FleetId
  readonly fleet: Fleet | undefined
  /** Undefined until the index was read for the first time. */
  readonly placement: Placement | undefined
  /** Why its game servers can't run; undefined: nothing is known to be wrong. */
  readonly trouble: string | undefined
}

/** Everything that is decided upon, gathered at one moment. */
export interface Observed {
  readonly zone: Zone
  readonly now: number
  /** The fleet that the spec asks for. */
  readonly wanted: FleetFacts
  /** The fleet that the zone was last published in; undefined: none yet. */
  readonly inUse: FleetFacts | undefined
  /** With `dedicated`: the fleet to copy. */
  readonly template: { readonly id: FleetId; readonly fleet: Fleet | undefined; readonly autoscaler: Autoscaler | undefined } | undefined
  /** The autoscaler of the wanted fleet. */
  readonly ownAutoscaler: Autoscaler | undefined
  /** A fleet made for this zone that its spec no longer asks for. */
  readonly leftover: FleetId | undefined
  /** Every zone that the spec names as a neighbour. */
  readonly neighbours: readonly Neighbour[]
  /** A layer that the crowd does not need any more. */
  readonly surplus: Surplus | undefined
  readonly content: ContentFacts
  /** What the index holds; undefined: nothing. */
  readonly settings: ZoneSettings | undefined
}

export interface Sources {
  readonly zones: Pick<ZoneSource, 'get'>
  readonly fleets: FleetSource
  readonly mirror: IndexMirror
  readonly surpluses: Surpluses
  readonly contents: Pick<ContentMirror, 'factsOf'>
  /** Name of the fleet of zones that name none. */
  readonly defaultFleet: string
}

/** Reads from local copies alone; does no I/O. Remembers a surplus of layers, see Surpluses. */
export function observe(zone: Zone, id: ZoneId, sources: Sources, now: number): Observed {
  const { zones, fleets, mirror, contents, surpluses, defaultFleet } = sources
  const namespace = zone.metadata.namespace ?? 'default'
  const wantedId = wantedFleet(zone, defaultFleet)
  const settings = mirror.settingsOf(id)
  const inUseId = settings?.fleet ?? (zone.status?.fleet === undefined ? undefined : fleetId(namespace, zone.status.fleet))
  const facts = (fleet: FleetId): FleetFacts => ({
    id: fleet,
    fleet: fleets.get(fleet),
    placement: mirror.placementOf(fleet, id),
    trouble: fleets.troubleOf(fleet),
  })
  const wanted = facts(wantedId)
  const source = zone.spec.dedicated === undefined ? undefined : fleetId(namespace, zone.spec.dedicated.from)
  const own = wantedFleet({ ...zone, spec: { ...zone.spec, dedicated: { from: 'any' } } }, defaultFleet)
  const left = source === undefined ? fleets.get(own) : undefined
  return {
    zone,
    now,
    wanted,
    inUse: inUseId === undefined ? undefined : inUseId === wantedId ? wanted : facts(inUseId),
    template: source === undefined ? undefined : { id: source, fleet: fleets.get(source), autoscaler: fleets.autoscalerOf(source) },
    ownAutoscaler: source === undefined ? undefined : fleets.autoscalerOf(wantedId),
    leftover: left !== undefined && left.ownerZone === zone.metadata.uid && !left.deleting ? own : undefined,
    neighbours: neighboursOf(zone, id, (other) => zones.get(other)),
    surplus: surpluses.look(zoneSettings(zone, wantedId), wanted.placement?.layers ?? [], now),
    content: contents.factsOf(zone),
    settings,
  }
}

/** The content that the zone keeps while what its spec names can't be used: that which is published of this very zone. */
export function keptContent({ zone, settings }: Observed): string | undefined {
  return settings?.uid === zone.metadata.uid ? settings?.content : undefined
}

/** Several steps of a plan ask for them. */
const settled = new WeakMap<Observed, ZoneSettings>()

/** What hosts, allocator and clients are to know of the zone. Throws InvalidInput as zoneSettings does. */
export function wantedSettings(observed: Observed): ZoneSettings {
  const known = settled.get(observed) ?? computeSettings(observed)
  settled.set(observed, known)
  return known
}

function computeSettings(observed: Observed): ZoneSettings {
  const { zone, wanted, neighbours, content, settings } = observed
  const hash = content.state === 'none' ? undefined : content.state === 'read' ? content.hash : keptContent(observed)
  const open = neighbours.flatMap(({ zone: id, state }) => (state === 'mutual' ? [id] : []))
  // What was begun stays as it is until a new one is (plan.ts); a zone that was never published has nothing to try again.
  const retry = settings?.uid === zone.metadata.uid ? settings?.retry : retryAsked(zone)
  const next: ZoneSettings = {
    ...zoneSettings(zone, wanted.id),
    ...(open.length === 0 ? {} : { neighbours: open }),
    ...(hash === undefined ? {} : { content: hash }),
    ...(retry === undefined ? {} : { retry }),
  }
  const before = settings?.uid === next.uid ? settings : undefined
  return withUnknown(SETTINGS_FIELDS, before, { ...next, layers: withUnknown(LAYERS_FIELDS, before?.layers, next.layers) })
}

/** Nobody hosts such a layer, and nobody is to. */
const closed: ReadonlySet<LayerState> = new Set(['Asleep', 'Barred', 'Quarantined'])

/** Layers that somebody hosts or that wait for a host. */
export function openLayers(placement: Placement | undefined): readonly LayerView[] {
  return placement?.layers.filter((layer) => !closed.has(layer.state)) ?? []
}

/** Layers that crashed too often and wait for another try. */
export function quarantinedLayers(placement: Placement | undefined): readonly LayerView[] {
  return placement?.layers.filter((layer) => layer.state === 'Quarantined') ?? []
}

/** True when it is sure that nobody hosts the zone in this fleet and nobody can begin to: barred and closed in one read, after all that we did. */
export function isLeft({ placement }: FleetFacts): boolean {
  return placement?.fresh === true && placement.barred && openLayers(placement).length === 0
}
