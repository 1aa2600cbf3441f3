import { claimIsLate, isDead } from './decide.ts'
import { bury, forgetHost } from './hosts.ts'
import { retake, silent } from './layers.ts'
import { heldBy, placeWishes, resettle } from './place.ts'
import { byName, type FleetState } from './records.ts'
import { pruneTickets } from './tickets.ts'

/** What time alone changes. platform/redis/library/sweep.lua is the same in Lua. Answers how many layers were placed again. */
export function sweep(fleet: FleetState, limit: number): number {
  let placed = 0
  let budget = limit
  for (const host of [...fleet.hosts.values()].sort((a, b) => a.lastSeen - b.lastSeen || byName(a.name, b.name))) {
    if (host.state === 'Leaving' || !isDead(host, fleet)) continue
    if (!host.dead) bury(fleet, host)
    for (const layer of heldBy(fleet, host.name).slice(0, budget)) {
      budget -= 1
      if (resettle(fleet, layer, 'dead', silent(host.name))) placed += 1
    }
  }
  const late = [...fleet.layers.values()].filter((layer) => claimIsLate(layer, fleet))
  late.sort((a, b) => (a.deadline ?? 0) - (b.deadline ?? 0) || byName(a.layer, b.layer))
  for (const layer of late.slice(0, budget)) {
    budget -= 1
    if (retake(fleet, layer)) placed += 1
  }
  placed += placeWishes(fleet, budget)
  forget(fleet)
  pruneTickets(fleet, limit)
  return placed
}

function forget(fleet: FleetState): void {
  for (const host of [...fleet.hosts.values()]) {
    // A host that left and is not down yet would register anew if it were not known.
    const silentNow = host.dead || fleet.now - host.lastSeen > fleet.rules.hostDeadAfter
    if (host.forgetAt !== undefined && host.forgetAt <= fleet.now && host.layers === 0 && silentNow) forgetHost(fleet, host.name)
  }
  for (const [zone, bar] of fleet.bars) if (bar.forgetAt !== undefined && bar.forgetAt <= fleet.now) fleet.bars.delete(zone)
}
