import { parseDuration } from './duration.ts'
import { BailiwickError } from './errors.ts'
import { type FleetId, fleetId, type ZoneId, zoneId } from './ids.ts'
import type { ZoneSettings } from './settings.ts'
import type { Zone } from './zone.generated.ts'
import { specWithDefaults } from './zone-schema.ts'

export type { Condition, Dedicated, LayerStatus, Toleration, Zone, ZoneSpec, ZoneStatus } from './zone.generated.ts'

export const ZONE_API_VERSION = 'bailiwick.dev/v1alpha1'
export const ZONE_KIND = 'Zone'
/** Keeps a deleted Zone until its layers are closed and its retention is applied. */
export const ZONE_FINALIZER = 'bailiwick.dev/zone'

/** A new value of it has quarantined layers tried again. */
export const RETRY_ANNOTATION = 'bailiwick.dev/retry'
/** So much of its value tells it from another. */
const RETRY_LENGTH = 100

/** Which try of its quarantined layers the Zone asks for; undefined: none. */
export function retryAsked({ metadata }: Zone): string | undefined {
  return metadata.annotations?.[RETRY_ANNOTATION]?.slice(0, RETRY_LENGTH)
}

/** The id of a Zone object. Throws InvalidInput when its name can't be one. */
export function idOfZone(zone: Zone): ZoneId {
  return zoneId(zone.metadata.namespace ?? 'default', zone.metadata.name)
}

/** The longest name that leaves room for the suffixes of game server sets and pods. */
const MAX_DEDICATED_NAME = 50

/** The name of the Fleet that the operator makes for a dedicated zone: readable, and short enough that the names of its pods stay whole. */
export function dedicatedFleetName(zone: string): string {
  const name = `zone-${zone}`
  return name.length <= MAX_DEDICATED_NAME ? name : `${name.slice(0, MAX_DEDICATED_NAME - 9)}-${shortHash(zone)}`
}

/** The fleet that the zone's spec asks for; `defaultFleet` is the operator's, by name. */
export function wantedFleet(zone: Zone, defaultFleet: string): FleetId {
  const { namespace } = zone.metadata
  const name = zone.spec.dedicated !== undefined ? dedicatedFleetName(zone.metadata.name) : (zone.spec.fleet ?? defaultFleet)
  return fleetId(namespace ?? 'default', name)
}

/**
 * The settings that hosts and allocator go by, with every default applied also when no API server did. `fleet` is the one in use. Throws InvalidInput when
 * the zone has no uid or a duration can't be read, which a valid object never is.
 */
export function zoneSettings(zone: Zone, fleet: FleetId): ZoneSettings {
  const { uid, generation } = zone.metadata
  if (uid === undefined) throw new BailiwickError('InvalidInput', { asked: `settings of ${idOfZone(zone)}`, found: 'no metadata.uid' })
  const spec = specWithDefaults(zone)
  const min = spec.layers?.min ?? 1
  const target = spec.layers?.targetPlayers
  return {
    zone: idOfZone(zone),
    uid,
    generation: generation ?? 1,
    fleet,
    activation: spec.activation ?? 'OnDemand',
    suspended: spec.suspend ?? false,
    idleAfterMs: parseDuration(spec.idleAfter ?? ''),
    layers: {
      min,
      max: spec.layers?.max ?? min,
      maxPlayers: spec.layers?.maxPlayers ?? 1,
      ...(target === undefined ? {} : { targetPlayers: target }),
    },
    bounds: spec.bounds,
    tickRateHz: spec.tickRate ?? 1,
    snapshotEveryMs: parseDuration(spec.snapshotEvery ?? ''),
  }
}

/** FNV-1a, 32 bits, in hexadecimal: tells long names apart, guards nothing. */
function shortHash(text: string): string {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}
