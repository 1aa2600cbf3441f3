import { hostsToKeep, hostsUsed } from '../../core/capacity.ts'
import type { AutoscaleOptions, FleetCounts } from '../../core/ports/index-port.ts'
import { isDead, isPlaceable, outdatedAtOnce } from './decide.ts'
import { countBorn, countNewborn, lastingStrays, layersComing, peakUse } from './demand.ts'
import { hostChanged } from './place.ts'
import { byName, type FleetState, type HostRecord } from './records.ts'

/** What the fleet needs. platform/redis/library/autoscale.lua is the same in Lua. */
export function autoscale(fleet: FleetState, asked: AutoscaleOptions): FleetCounts {
  const live = [...fleet.hosts.values()].filter((host) => (host.state === 'Leaving' ? isCounted(fleet, host) : !isDead(host, fleet)))
  for (const host of live) if (host.state === 'Retiring') host.counted = true
  const occupied = live.filter(({ layers, reserved }) => layers + reserved > 0)
  const draining = occupied.filter((host) => host.state === 'Draining' && host.drainBy === undefined).length
  const going = live.filter(isGoing).length - draining
  // Other hosts are Allocated for certain; of these it is known by Agones' count how many are still there.
  const leaving = Math.max(0, Math.min(going, asked.allocated - (live.length - going)))
  const strays = countStrays(fleet, live.length, asked.allocated)
  const counted = {
    occupied: occupied.length,
    staying: occupied.filter((host) => !isGoing(host)).length,
    draining,
    standing: Math.max(live.length - going + leaving + strays, asked.allocated + countBorn(fleet)) + countNewborn(fleet),
    leaving,
    evacuees: countEvacuees(fleet, live),
    outdated: live.filter((host) => host.state !== 'Leaving' && (host.outdated || host.state === 'Draining')).length,
    live: live.length,
    wishes: fleet.wishes.size,
    capacity: fleet.capacity ?? asked.capacity ?? 1,
    free: freeSlots(fleet, live),
    coming: layersComing(fleet),
    strays,
  }
  const counts = { ...counted, peak: peakUse(fleet, asked.emptyAfterMs, hostsUsed(counted)) }
  retire(fleet, live, { keep: hostsToKeep(asked, counts), emptyAfterMs: asked.emptyAfterMs })
  return { ...counts, idle: live.filter(isIdle).length, retiring: live.filter((host) => host.state === 'Retiring').length }
}

/** The ones empty the longest go first and come back last. */
function retire(fleet: FleetState, live: readonly HostRecord[], { keep, emptyAfterMs }: { keep: number; emptyAfterMs: number }): void {
  const idle = live.filter(isIdle)
  const retiring = live
    .filter((host) => host.state === 'Retiring' && !host.outdated)
    .sort(byEmptiness)
    .reverse()
  for (const host of retiring.slice(0, Math.max(0, keep - idle.length))) change(fleet, host, 'Ready')
  if (fleet.wishes.size > 0) return
  const old = idle.sort(byEmptiness).slice(0, Math.max(0, idle.length - keep))
  for (const host of old) if (fleet.now - (host.emptySince ?? fleet.now) >= emptyAfterMs) change(fleet, host, 'Retiring')
}

function isGoing({ state }: HostRecord): boolean {
  return state === 'Draining' || state === 'Leaving'
}

/** What drains, and what will next because it is outdated; less what has a slot elsewhere already. */
function countEvacuees(fleet: FleetState, live: readonly HostRecord[]): number {
  const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0)
  const draining = live.filter((host) => host.state === 'Draining' && host.layers > 0).map(({ layers }) => layers)
  const outdated = live.filter((host) => host.outdated && !isGoing(host)).map(({ layers }) => layers)
  const turns = Math.max(0, outdatedAtOnce(live.length, fleet.rules) - draining.length)
  const next = outdated.sort((a, b) => b - a).slice(0, turns)
  return Math.max(0, sum(draining) + sum(next) - sum(live.map(({ reserved }) => reserved)))
}

/** Of the hosts that are occupied and may be given more. */
function freeSlots({ rules }: FleetState, live: readonly HostRecord[]): number {
  return live.reduce((free, host) => {
    const taken = host.layers + host.reserved
    return free + (taken > 0 && isPlaceable(host, rules) ? host.capacity - taken : 0)
  }, 0)
}

/** Allocated servers that are no live hosts: those of hosts found dead at once, others when they stay so. */
function countStrays(fleet: FleetState, live: number, allocated: number): number {
  const unknown = Math.max(0, allocated - live)
  const dead = [...fleet.hosts.values()].filter((host) => host.state !== 'Leaving' && !host.removed && isDead(host, fleet)).length
  return Math.min(unknown, Math.max(dead, lastingStrays(fleet, unknown)))
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
