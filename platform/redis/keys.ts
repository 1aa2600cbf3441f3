import type { FleetId, LayerId } from '../../core/ids.ts'

/** The names of everything kept in Redis. What stands in braces decides the slot: all keys of one function share it. */

/** In the order in which the library expects them (library/state.lua). */
const fleetKeyNames = [
  'clock',
  'hosts',
  'seen',
  'room',
  'forget',
  'layers',
  'names',
  'held',
  'deadlines',
  'wishes',
  'bars',
  'tickets',
  'ticketorder',
  'ticketsof',
  'changes',
  'moving',
  'draining',
  'players',
] as const

const fleetKey = (fleet: FleetId, name: (typeof fleetKeyNames)[number]): string => `bw:{f:${fleet}}:${name}`

export function fleetKeys(fleet: FleetId): string[] {
  return fleetKeyNames.map((name) => fleetKey(fleet, name))
}

export const fleetChanges = (fleet: FleetId): string => fleetKey(fleet, 'changes')
export const fleetClock = (fleet: FleetId): string => fleetKey(fleet, 'clock')

export const zoneSettings = 'bw:{zones}:settings'
export const zoneChanges = 'bw:{zones}:changes'
/** By hash. */
export const zoneContents = 'bw:{zones}:contents'
/** In the order in which the library expects them (library/others.lua). */
export const zoneKeys: readonly string[] = [zoneSettings, 'bw:{zones}:clock', zoneChanges, zoneContents, 'bw:{zones}:contentuses']

/** In the order in which the library expects them (library/accounts.lua). */
export const accountKeys: readonly string[] = ['bw:{accounts}:bars', 'bw:{accounts}:number']

/** In the order in which the library expects them (library/journal.lua). */
export const journalKeys = (layer: LayerId): string[] => [`bw:{l:${layer}}:fence`, `bw:{l:${layer}}:journal`]
export const locationKey = (character: string): string => `bw:{c:${character}}:location`
