import { unbarZone } from './bars.ts'
import { claimIsLate, isDead } from './decide.ts'
import { bury, forgetHost } from './hosts.ts'
import { retake, silent } from './layers.ts'
import { heldBy, placeWishes, resettle } from './place.ts'
import { byName, type FleetState, type HostRecord } from './records.ts'
import { pruneTickets } from './tickets.ts'

/** What time alone changes. platform/redis/library/sweep.lua is the same in Lua. Answers how many layers were placed again. */
export function sweep(fleet: FleetState, limit: number): number {
  let placed = 0
  let budget = limit
  for (const host of deadHosts(fleet).slice(0, limit)) {
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
  forget(fleet, limit)
  pruneTickets(fleet, limit)
  return placed
}

/** Hosts to bury, and dead ones that still have layers, which come first. */
function deadHosts(fleet: FleetState): HostRecord[] {
  const dead = [...fleet.hosts.values()].filter((host) => (host.dead ? host.layers > 0 : host.state !== 'Leaving' && isDead(host, fleet)))
  const silence = (host: HostRecord): number => (host.dead ? 0 : host.lastSeen)
  return dead.sort((a, b) => silence(a) - silence(b) || byName(a.name, b.name))
}

function forget(fleet: FleetState, limit: number): void {
  const due: { readonly at: number; readonly key: string; readonly drop: () => void }[] = []
  for (const host of fleet.hosts.values()) {
    if (host.forgetAt === undefined || host.forgetAt > fleet.now) continue
    // A host that left and is not down yet would register anew if it were not known.
    const isGone = host.layers === 0 && host.reserved === 0 && (host.dead || fleet.now - host.lastSeen > fleet.rules.hostDeadAfter)
    due.push({ at: host.forgetAt, key: `host|${host.name}`, drop: () => isGone && forgetHost(fleet, host.name) })
  }
  for (const [zone, bar] of fleet.bars) {
    if (bar.forgetAt !== undefined && bar.forgetAt <= fleet.now) {
      due.push({ at: bar.forgetAt, key: `zone|${zone}`, drop: () => unbarZone(fleet, zone) })
    }
  }
  due.sort((a, b) => a.at - b.at || byName(a.key, b.key))
  for (const { drop } of due.slice(0, limit)) drop()
}
