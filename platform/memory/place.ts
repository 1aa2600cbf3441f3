import type { LayerId, ZoneId } from '../../core/ids.ts'
import { chooseHost, type Loss, waitAfterFailures, wantsPlace } from './decide.ts'
import { countFlow } from './demand.ts'
import { byName, type FleetState, type HostRecord, type LayerRecord, zoneOf } from './records.ts'

/** The steps that every change of a layer is made of. platform/redis/library/place.lua is the same in Lua. */

/** The layer's record, made when it is asked for the first time. */
export function layerRecord(fleet: FleetState, layer: LayerId): LayerRecord {
  const known = fleet.layers.get(layer)
  if (known !== undefined) return known
  const made: LayerRecord = {
    layer,
    state: 'Asleep',
    since: fleet.now,
    generation: 0,
    ended: true,
    epoch: 0,
    host: undefined,
    players: 0,
    dataSafe: true,
    close: undefined,
    wished: false,
    from: 0,
    assignedAt: 0,
    deadline: undefined,
    failure: undefined,
    failures: 0,
    crash: undefined,
    claimDeaths: 0,
    avoid: undefined,
    movedFrom: undefined,
    target: undefined,
    takenBack: false,
  }
  fleet.layers.set(layer, made)
  const zone = zoneOf(layer)
  fleet.ofZone.set(zone, (fleet.ofZone.get(zone) ?? new Set()).add(layer))
  return made
}

/** The layers of a zone that have a record, by name. */
export function layersOf(fleet: FleetState, zone: ZoneId): LayerRecord[] {
  return [...(fleet.ofZone.get(zone) ?? [])].sort(byName).map((layer) => layerRecord(fleet, layer))
}

export function enter(fleet: FleetState, layer: LayerRecord, state: LayerRecord['state']): void {
  if (layer.state !== state) layer.since = fleet.now
  layer.state = state
}

export function layerChanged(fleet: FleetState, layer: LayerRecord, host = layer.host): void {
  fleet.changed({ kind: 'layer', layer: layer.layer, host })
}

export function hostChanged(fleet: FleetState, host: HostRecord): void {
  fleet.changed({ kind: 'host', host: host.name })
}

/** The layers that have a slot on the host, by name. */
export function heldBy(fleet: FleetState, host: string): LayerRecord[] {
  return [...(fleet.held.get(host) ?? [])].sort(byName).map((layer) => layerRecord(fleet, layer))
}

/** The host is needed: it is not retiring any more. */
export function keep(fleet: FleetState, host: HostRecord): void {
  if (host.state !== 'Retiring') return
  host.state = 'Ready'
  host.counted = false
  hostChanged(fleet, host)
}

/** The layer's move is over, or it moves no longer. */
export function stopMoving(fleet: FleetState, layer: LayerRecord): void {
  if (layer.movedFrom === undefined) return
  // It may move the next one.
  fleet.changed({ kind: 'host', host: layer.movedFrom })
  layer.movedFrom = undefined
  fleet.moving.delete(layer.layer)
}

/** Frees the slot that is kept for the layer, if any. */
export function unreserve(fleet: FleetState, layer: LayerRecord): void {
  if (layer.target === undefined) return
  const host = fleet.hosts.get(layer.target)
  if (host !== undefined) host.reserved -= 1
  layer.target = undefined
}

/** Gives the layer a slot on the host. */
export function occupy(fleet: FleetState, layer: LayerRecord, host: HostRecord): void {
  layer.host = host.name
  const held = fleet.held.get(host.name) ?? new Set()
  fleet.held.set(host.name, held.add(layer.layer))
  fleet.wishes.delete(layer.layer)
  host.layers += 1
  countFlow(fleet, 1)
  host.players += layer.players
  host.emptySince = undefined
  keep(fleet, host)
}

/** Frees the slot that the layer has, if any, and tells its host. */
export function release(fleet: FleetState, layer: LayerRecord): void {
  unreserve(fleet, layer)
  if (layer.host === undefined) return
  layerChanged(fleet, layer)
  const host = fleet.hosts.get(layer.host)
  fleet.held.get(layer.host)?.delete(layer.layer)
  countFlow(fleet, -1)
  if (host !== undefined) {
    host.layers -= 1
    host.players -= layer.players
    if (host.layers === 0) host.emptySince = fleet.now
  }
  layer.host = undefined
  layer.players = 0
  layer.dataSafe = true
  layer.deadline = undefined
}

/** Nobody hosts the layer and nobody waits for it. */
export function sleep(fleet: FleetState, layer: LayerRecord): void {
  fleet.wishes.delete(layer.layer)
  stopMoving(fleet, layer)
  layer.close = undefined
  layer.wished = false
  layer.ended = true
  enter(fleet, layer, 'Asleep')
  layerChanged(fleet, layer)
}

/**
 * The layer waits for a host, and may be placed from `from` on. A wish that is open already keeps its place. Each further wish of a zone stands a little later
 * in the queue than it was made, so that a zone with many layers does not hold up the others.
 */
export function wish(fleet: FleetState, layer: LayerRecord, from: number): void {
  if (layer.state === 'Wished' && fleet.wishes.has(layer.layer)) return
  const before = layersOf(fleet, zoneOf(layer.layer)).filter((other) => other.state === 'Wished' && other !== layer).length
  fleet.wishes.set(layer.layer, from + before * fleet.rules.wishSpacing)
  layer.from = from
  stopMoving(fleet, layer)
  layer.close = undefined
  layer.wished = false
  enter(fleet, layer, 'Wished')
  layerChanged(fleet, layer)
}

/** The host for a layer: rather not the one that gave it up, nor one on the node of another layer of its zone. */
export function hostFor(fleet: FleetState, layer: LayerRecord, avoidNew = false): HostRecord | undefined {
  const nodes = new Set<string>()
  for (const { layer: other, host } of layersOf(fleet, zoneOf(layer.layer))) {
    const node = other === layer.layer || host === undefined ? undefined : fleet.hosts.get(host)?.node
    if (node !== undefined) nodes.add(node)
  }
  return chooseHost(fleet.hosts.values(), { host: layer.avoid, nodes, new: avoidNew }, fleet)
}

/** Its hosts died while they claimed it, more than once: it, or one that was claimed with it, may have killed them. */
const claimsByTurns = ({ claimDeaths }: LayerRecord): boolean => claimDeaths >= 2

/** Within this, ms, a layer is served, or its host has died of it. */
const turnLength = ({ rules }: FleetState): number => rules.claimDeadline + rules.hostDeadAfter

/**
 * Records an assignment with the next generation on the host that is chosen, or a wish. True when assigned. One more wish than may wait is not recorded,
 * unless the layer had a host until now.
 */
export function place(fleet: FleetState, layer: LayerRecord): boolean {
  const host = hostFor(fleet, layer)
  if (host === undefined) {
    if (layer.state !== 'Asleep' || fleet.wishes.size < fleet.rules.wishesMax) wish(fleet, layer, fleet.now)
    return false
  }
  layer.generation += 1
  layer.ended = false
  layer.close = undefined
  layer.wished = false
  layer.assignedAt = fleet.now
  layer.deadline = fleet.now + fleet.rules.claimDeadline
  layer.state = 'Assigned'
  layer.since = fleet.now
  if (claimsByTurns(layer)) fleet.turnUntil = fleet.now + turnLength(fleet)
  occupy(fleet, layer, host)
  layerChanged(fleet, layer)
  return true
}

/** The layer lost its host: it is placed again, waits, or sleeps. True when assigned. */
export function resettle(fleet: FleetState, layer: LayerRecord, loss: Loss, failure: string | undefined): boolean {
  const wanted = wantsPlace(layer, loss, fleet.bars.has(zoneOf(layer.layer)))
  const wasClaiming = layer.state === 'Claiming'
  release(fleet, layer)
  // Only a host taken for dead may come back to what it had, as long as nobody else got it.
  if (loss !== 'dead') layer.ended = true
  if (failure !== undefined) layer.failure = failure
  if (loss === 'dead' && wasClaiming) layer.claimDeaths += 1
  if (!wanted) {
    sleep(fleet, layer)
    return false
  }
  if (!wasClaiming || !claimsByTurns(layer)) return place(fleet, layer)
  if (layer.claimDeaths < fleet.rules.claimDeathsMax) wish(fleet, layer, turnOf(fleet, layer.claimDeaths))
  else quarantine(fleet, layer, `${layer.claimDeaths} hosts in a row died while they brought it back; the last: ${failure ?? loss}`)
  return false
}

/**
 * When a layer is tried again whose hosts died while they claimed it. One of those that died together may have killed them all, so they are claimed by turns: who is
 * innocent is served before the next host dies, and does not count as one that kills. Nobody waits for more turns than layers wait.
 */
function turnOf(fleet: FleetState, deaths: number): number {
  const { now, rules } = fleet
  const latest = now + rules.failedLayerWaitMax + (fleet.wishes.size + 1) * turnLength(fleet)
  const from = Math.min(Math.max(now + waitAfterFailures(deaths, rules), fleet.nextTurn), latest)
  fleet.nextTurn = from + turnLength(fleet)
  return from
}

/**
 * Whether a layer that waits may be placed now. While one that is claimed by turns has its turn the others of that kind go on waiting: when no host had room for a
 * while the turns of all of them have come.
 */
export function isDue(fleet: FleetState, layer: LayerRecord): boolean {
  if (layer.from > fleet.now) return false
  if (!claimsByTurns(layer) || fleet.turnUntil <= fleet.now) return true
  layer.from = fleet.turnUntil
  fleet.wishes.set(layer.layer, fleet.turnUntil)
  return false
}

/** Nobody hosts the layer, and it is not placed until somebody asks for another try. */
export function quarantine(fleet: FleetState, layer: LayerRecord, failure: string): void {
  fleet.wishes.delete(layer.layer)
  stopMoving(fleet, layer)
  layer.close = undefined
  layer.wished = false
  layer.failure = failure
  enter(fleet, layer, 'Quarantined')
  layerChanged(fleet, layer)
}

/** Places what waits, the oldest wish first, at most `limit`. Answers how many were placed. One that failed may have to wait, others go before it. */
export function placeWishes(fleet: FleetState, limit: number): number {
  if (limit <= 0 || fleet.wishes.size === 0) return 0
  let placed = 0
  for (const id of queue(fleet).slice(0, limit)) {
    const layer = layerRecord(fleet, id)
    if (!isDue(fleet, layer)) continue
    if (!place(fleet, layer)) break
    placed += 1
  }
  return placed
}

/** The layers that wait, in the order in which they are placed. */
export function queue(fleet: FleetState): LayerId[] {
  return [...fleet.wishes].sort(([a, order], [b, other]) => order - other || byName(a, b)).map(([layer]) => layer)
}
