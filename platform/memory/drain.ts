import { chooseHost, isRushed, movesAtOnce, nowhere, outdatedAtOnce } from './decide.ts'
import { heldBy, hostChanged, hostFor, keep, layerChanged, layerRecord, resettle, stopMoving, unreserve } from './place.ts'
import { byName, type FleetState, type HostRecord, type LayerRecord } from './records.ts'

/** How hosts are emptied. platform/redis/library/drain.lua is the same in Lua. */

/** Its layers are moved with its heartbeats, so that no other that is told to drain in the same moment is chosen for them. */
export function drainHost(fleet: FleetState, name: string, withinMs: number | undefined): void {
  const host = fleet.hosts.get(name)
  if (host === undefined || host.state === 'Leaving') return
  host.cordoned = false
  if (withinMs !== undefined) host.drainBy = Math.min(host.drainBy ?? Number.POSITIVE_INFINITY, fleet.now + withinMs)
  begin(fleet, host)
}

/** The node takes no more pods, or takes them again: then its hosts stay, unless they drain for another reason as well. */
export function cordonNode(fleet: FleetState, node: string, cordoned: boolean): void {
  const hosts = [...fleet.hosts.values()]
    .filter((host) => host.node === node && host.state !== 'Leaving')
    .sort((a, b) => byName(a.name, b.name))
  if (!cordoned) {
    for (const host of hosts) if (host.cordoned) keepAll(fleet, host)
    return
  }
  const begun = hosts.filter((host) => host.state !== 'Draining')
  for (const host of begun) {
    host.cordoned = true
    mark(fleet, host)
  }
  // Only now: nothing of one goes to another.
  for (const host of begun) vacate(fleet, host)
}

function keepAll(fleet: FleetState, host: HostRecord): void {
  host.cordoned = false
  host.state = 'Ready'
  hostChanged(fleet, host)
  for (const layer of heldBy(fleet, host.name)) if (layer.movedFrom === host.name && layer.close === 'Drain') takeBack(fleet, layer)
}

/** What was to be moved stays where it is, unless it is being closed already. */
function takeBack(fleet: FleetState, layer: LayerRecord): void {
  if (layer.state === 'Closing') return
  unreserve(fleet, layer)
  layer.close = undefined
  layer.wished = false
  layer.takenBack = true
  stopMoving(fleet, layer)
  layerChanged(fleet, layer)
}

/** The host takes no more layers: what was to be moved here stays where it is until its next turn, unless it is being closed already. */
export function refuseMoves(fleet: FleetState, host: HostRecord): void {
  if (host.reserved === 0) return
  for (const id of [...fleet.moving].sort(byName)) {
    const layer = layerRecord(fleet, id)
    if (layer.target !== host.name) continue
    unreserve(fleet, layer)
    takeBack(fleet, layer)
  }
}

/** With a heartbeat: an outdated host begins to drain when its turn comes, and one that drains goes on with it. */
export function drainOn(fleet: FleetState, host: HostRecord): void {
  if (host.outdated && isTurn(fleet, host)) begin(fleet, host)
  if (host.state === 'Draining') moveOn(fleet, host)
}

function begin(fleet: FleetState, host: HostRecord): void {
  if (host.state === 'Draining') return
  mark(fleet, host)
  vacate(fleet, host)
}

function mark(fleet: FleetState, host: HostRecord): void {
  host.state = 'Draining'
  host.counted = false
  hostChanged(fleet, host)
}

/** What was about to come is sent elsewhere. */
function vacate(fleet: FleetState, host: HostRecord): void {
  refuseMoves(fleet, host)
  // Nothing of it is open here yet, and somebody waits for it.
  for (const layer of heldBy(fleet, host.name)) if (layer.state === 'Assigned') resettle(fleet, layer, 'drained', undefined)
}

/** An empty one disturbs nobody. The others go so many at a time, and only while one that stays has room. */
function isTurn(fleet: FleetState, host: HostRecord): boolean {
  if (host.state !== 'Ready' && host.state !== 'Retiring') return false
  if (host.layers === 0) return true
  if (host.outdatedAt === undefined || fleet.now - host.outdatedAt < fleet.rules.outdatedSettle) return false
  const hosts = [...fleet.hosts.values()].filter((other) => (other.dead ? other.layers > 0 : other.state !== 'Leaving'))
  const draining = hosts.filter((other) => other.state === 'Draining' && !other.dead && other.layers > 0)
  return draining.length < outdatedAtOnce(hosts.length, fleet.rules) && chooseHost(fleet.hosts.values(), nowhere, fleet) !== undefined
}

/** Has the next layers moved, as many as may be. */
function moveOn(fleet: FleetState, host: HostRecord): void {
  const left = host.drainBy === undefined ? undefined : host.drainBy - fleet.now
  const rushed = isRushed(left, fleet.rules)
  const held = heldBy(fleet, host.name)
  const moving = [...fleet.moving].filter((id) => layerRecord(fleet, id).movedFrom === host.name).length
  let may = movesAtOnce(held.length, left, fleet.rules) - moving
  for (const layer of held) {
    if (may <= 0 || (fleet.moving.size >= fleet.rules.drainMoves && !rushed)) return
    if (!isMovable(layer, rushed)) continue
    const target = hostFor(fleet, layer, !rushed)
    if (target === undefined && !rushed) return
    move(fleet, layer, host, target)
    may -= 1
  }
}

/** One that is being claimed is served first, unless there is no time. */
function isMovable(layer: LayerRecord, rushed: boolean): boolean {
  return layer.close === undefined && (layer.state === 'Serving' || (rushed && layer.state === 'Claiming'))
}

/** It is asked to close here; a slot elsewhere is kept for it. With nowhere to go it is opened again only if somebody is in. */
function move(fleet: FleetState, layer: LayerRecord, from: HostRecord, target: HostRecord | undefined): void {
  if (target !== undefined) {
    target.reserved += 1
    keep(fleet, target)
  }
  layer.target = target?.name
  layer.movedFrom = from.name
  fleet.moving.add(layer.layer)
  layer.wished = layer.wished || target !== undefined || layer.players > 0
  layer.close = 'Drain'
  layer.takenBack = false
  layerChanged(fleet, layer)
}
