import { hostsToKeep } from '../../core/capacity.ts'
import type { AutoscaleOptions, FleetCounts } from '../../core/ports/index-port.ts'
import { isDead } from './decide.ts'
import { hostChanged } from './place.ts'
import { byName, type FleetState, type HostRecord } from './records.ts'

/** What the fleet needs. platform/redis/library/autoscale.lua is the same in Lua. */
export function autoscale(fleet: FleetState, asked: AutoscaleOptions): FleetCounts {
  const live = [...fleet.hosts.values()].filter((host) => (host.state === 'Leaving' ? isCounted(fleet, host) : !isDead(host, fleet)))
  for (const host of live) if (host.state === 'Retiring') host.counted = true
  const occupied = live.filter((host) => host.layers + host.reserved > 0).length
  const keep = hostsToKeep(asked, occupied)
  const idle = live.filter(isIdle)
  // The ones empty the longest go first and come back last.
  const retiring = live
    .filter((host) => host.state === 'Retiring' && !host.outdated)
    .sort(byEmptiness)
    .reverse()
  for (const host of retiring.slice(0, Math.max(0, keep - idle.length))) change(fleet, host, 'Ready')
  if (fleet.wishes.size === 0) {
    const old = idle.sort(byEmptiness).slice(0, Math.max(0, idle.length - keep))
    for (const host of old) if (fleet.now - (host.emptySince ?? fleet.now) >= asked.emptyAfterMs) change(fleet, host, 'Retiring')
  }
  return {
    occupied,
    idle: live.filter(isIdle).length,
    retiring: live.filter((host) => host.state === 'Retiring').length,
    outdated: live.filter((host) => host.state !== 'Leaving' && (host.outdated || host.state === 'Draining')).length,
    live: live.length,
    wishes: fleet.wishes.size,
    capacity: fleet.capacity,
  }
}

function isIdle(host: HostRecord): boolean {
  return host.state === 'Ready' && !host.outdated && host.layers + host.reserved === 0
}

/** A host that left counts as live for a while, however silent, unless its pod is known to be gone. */
function isCounted(fleet: FleetState, host: HostRecord): boolean {
  return !host.dead && host.leftAt !== undefined && fleet.now < host.leftAt + fleet.rules.leavingCounted
}

function byEmptiness(a: HostRecord, b: HostRecord): number {
  return (a.emptySince ?? 0) - (b.emptySince ?? 0) || byName(a.name, b.name)
}

function change(fleet: FleetState, host: HostRecord, state: 'Ready' | 'Retiring'): void {
  host.state = state
  host.counted = false
  hostChanged(fleet, host)
}
