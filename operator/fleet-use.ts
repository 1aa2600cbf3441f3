import { type FleetId, fleetId } from '../core/ids.ts'
import type { ZoneSettings } from '../core/settings.ts'
import { dedicatedFleetName, idOfZone, wantedFleet, type Zone } from '../core/zone.ts'
import type { IndexMirror } from './index-mirror.ts'

/** True when the zone has to be looked at because this fleet changed. */
export function namesFleet(zone: Zone, fleet: FleetId, settings: ZoneSettings | undefined, defaultFleet: string): boolean {
  const { namespace = 'default', name } = zone.metadata
  if (!fleet.startsWith(`${namespace}/`)) return false
  const { dedicated } = zone.spec
  const named = [wantedFleet(zone, defaultFleet), settings?.fleet, fleetId(namespace, dedicatedFleetName(name))]
  if (dedicated !== undefined) named.push(fleetId(namespace, dedicated.from))
  if (zone.status?.fleet !== undefined) named.push(fleetId(namespace, zone.status.fleet))
  return named.includes(fleet)
}

/** Every fleet that a zone uses, wants, or has left something in. */
export function fleetsInUse(zones: readonly Zone[], mirror: IndexMirror, defaultFleet: string): ReadonlySet<FleetId> {
  const fleets = new Set<FleetId>()
  for (const zone of zones) {
    fleets.add(wantedFleet(zone, defaultFleet))
    if (zone.status?.fleet !== undefined) fleets.add(fleetId(zone.metadata.namespace ?? 'default', zone.status.fleet))
    const settings = mirror.settingsOf(idOfZone(zone))
    if (settings !== undefined) fleets.add(settings.fleet)
  }
  for (const zone of mirror.knownZones()) {
    const settings = mirror.settingsOf(zone)
    if (settings !== undefined) fleets.add(settings.fleet)
  }
  return fleets
}
