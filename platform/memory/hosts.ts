import type { Heartbeat, HeartbeatAnswer, HostRegistration, LayerReport } from '../../core/ports/index-port.ts'
import { isAdoptable, isDead, isFresh, isNews, isPlaceable } from './decide.ts'
import { countBirth, countFlow } from './demand.ts'
import { drainOn, refuseMoves } from './drain.ts'
import {
  enter,
  heldBy,
  hostChanged,
  layerChanged,
  layerRecord,
  occupy,
  placeWishes,
  queue,
  release,
  resettle,
  stopMoving,
  unreserve,
} from './place.ts'
import { type FleetState, type HostRecord, type LayerRecord, zoneOf } from './records.ts'

/** What hosts say of themselves. platform/redis/library/hosts.lua is the same in Lua. */

/** A game server is about to be a host. Of too many the oldest are forgotten; so is who was announced too long ago. */
export function announceHost({ demand: { newborn }, now, rules }: FleetState, name: string): void {
  newborn.delete(name)
  newborn.set(name, now)
  const beyond = newborn.size - rules.newbornMax
  for (const [at, [other, since]] of [...newborn].entries()) if (at < beyond || now - since >= rules.newbornCounted) newborn.delete(other)
}

export function registerHost(fleet: FleetState, registration: HostRegistration, serving: readonly LayerReport[]): void {
  const old = fleet.hosts.get(registration.name)
  const same = old !== undefined && old.incarnation === registration.incarnation
  const orphans = old !== undefined && !same ? heldBy(fleet, old.name) : []
  const host: HostRecord = same ? { ...old, ...registration } : newHost(fleet, registration)
  // Their slots die with the old process; a new one may be chosen for them, on this host too.
  if (!same) fleet.held.delete(host.name)
  fleet.hosts.set(host.name, host)
  fleet.capacity = host.capacity
  fleet.demand.newborn.delete(host.name)
  hear(fleet, host)
  hostChanged(fleet, host)
  for (const layer of orphans) {
    layerChanged(fleet, layer)
    countFlow(fleet, -1)
    layer.host = undefined
    layer.players = 0
    layer.dataSafe = true
    layer.deadline = undefined
    unreserve(fleet, layer)
    stopMoving(fleet, layer)
  }
  if (!same) countBirth(fleet, firstWaited(fleet))
  for (const report of serving) takeReport(fleet, host, report)
  for (const layer of orphans) if (layer.host === undefined) resettle(fleet, layer, 'dead', `host ${host.name} was replaced`)
  placeWishes(fleet, fleet.rules.sweepLimit)
}

/** For how long (ms) the first in the queue has waited. */
function firstWaited(fleet: FleetState): number | undefined {
  const [first] = queue(fleet)
  return first === undefined ? undefined : fleet.now - layerRecord(fleet, first).since
}

function newHost(fleet: FleetState, registration: HostRegistration): HostRecord {
  return {
    ...registration,
    state: 'Ready',
    bornAt: fleet.now,
    dead: false,
    removed: false,
    suspected: false,
    outdated: false,
    outdatedAt: undefined,
    lastSeen: fleet.now,
    emptySince: fleet.now,
    layers: 0,
    players: 0,
    // A slot is a slot, whatever process has it.
    reserved: fleet.hosts.get(registration.name)?.reserved ?? 0,
    cordoned: false,
    drainBy: undefined,
    cpu: 0,
    lateness: 0,
    counted: false,
    forgetAt: undefined,
    leftAt: undefined,
  }
}

/** The host lives: a death verdict is taken back. A host that left stays so, and is forgotten in time. */
function hear(fleet: FleetState, host: HostRecord): void {
  fleet.heard = true
  if (host.dead) hostChanged(fleet, host)
  host.lastSeen = fleet.now
  host.dead = false
  host.removed = false
  host.suspected = false
  if (host.state !== 'Leaving') host.forgetAt = undefined
}

export function heartbeat(fleet: FleetState, beat: Heartbeat): HeartbeatAnswer {
  const host = knownHost(fleet, beat.host, beat.incarnation)
  if (host === undefined) return { known: false, state: 'Dead', layers: [], mayLeave: false }
  const could = isPlaceable(host, fleet.rules) && isFresh(host, fleet)
  hear(fleet, host)
  if (beat.load !== undefined) {
    host.cpu = beat.load.cpu
    host.lateness = beat.load.lateness
  }
  if (host.outdated !== beat.outdated) {
    host.outdated = beat.outdated
    host.outdatedAt = beat.outdated ? fleet.now : undefined
    if (beat.outdated) refuseMoves(fleet, host)
    hostChanged(fleet, host)
  }
  for (const report of beat.layers) takeReport(fleet, host, report)
  drainOn(fleet, host)
  if (!could && isPlaceable(host, fleet.rules)) placeWishes(fleet, fleet.rules.sweepLimit)
  return {
    known: true,
    state: host.state,
    layers: heldBy(fleet, host.name).map((layer) => ({ layer: layer.layer, generation: layer.generation, closeRequested: layer.close })),
    mayLeave: mayLeave(host),
  }
}

function knownHost(fleet: FleetState, name: string, incarnation: string): HostRecord | undefined {
  const host = fleet.hosts.get(name)
  return host !== undefined && host.incarnation === incarnation && !host.removed ? host : undefined
}

function takeReport(fleet: FleetState, host: HostRecord, report: LayerReport): void {
  const layer = fleet.layers.get(report.layer)
  if (layer !== undefined && layer.host === host.name && layer.generation === report.generation) {
    if (isNews(layer, report)) progress(fleet, host, layer, report)
    return
  }
  const holder = layer?.host === undefined || layer.host === host.name ? undefined : fleet.hosts.get(layer.host)
  const otherHolderLives = holder !== undefined && !isDead(holder, fleet)
  if (isAdoptable(report, layer, host, { otherHolderLives, barred: fleet.bars.has(zoneOf(report.layer)) })) adopt(fleet, host, report)
}

/** Writes what the layer's host reports. Player counts alone are no change to tell. */
function progress(fleet: FleetState, host: HostRecord, layer: LayerRecord, report: LayerReport): void {
  const told = layer.state !== report.state || report.epoch > layer.epoch || layer.dataSafe !== report.dataSafe
  if (layer.state !== report.state) {
    const since = layer.state === 'Assigned' ? layer.assignedAt : fleet.now
    layer.deadline = report.state === 'Claiming' ? since + fleet.rules.claimLimit : undefined
    enter(fleet, layer, report.state)
  }
  layer.epoch = Math.max(layer.epoch, report.epoch)
  host.players += report.players - layer.players
  layer.players = report.players
  layer.dataSafe = report.dataSafe
  if (report.state === 'Serving') {
    layer.failure = undefined
    layer.failures = 0
    layer.claimDeaths = 0
    layer.avoid = undefined
    if (layer.close === undefined) stopMoving(fleet, layer)
  }
  if (told) fleet.changed({ kind: 'layer', layer: layer.layer, host: layer.host, reported: report.state })
}

function adopt(fleet: FleetState, host: HostRecord, report: LayerReport): void {
  const unknown = !fleet.layers.has(report.layer)
  const layer = layerRecord(fleet, report.layer)
  const bar = fleet.bars.get(zoneOf(report.layer))
  const wanted = layer.wished || layer.state === 'Wished'
  release(fleet, layer)
  layer.generation = report.generation
  layer.ended = false
  stopMoving(fleet, layer)
  layer.close = bar?.reason
  layer.wished = wanted && bar === undefined && (host.state === 'Draining' || report.state === 'Closing')
  layer.state = 'Assigned'
  layer.since = fleet.now
  layer.assignedAt = fleet.now
  occupy(fleet, layer, host)
  // It was open before the index knew of it: no layer that opens, and no more of them are coming.
  if (unknown) countFlow(fleet, -1)
  progress(fleet, host, layer, report)
}

function mayLeave(host: HostRecord): boolean {
  return host.state === 'Leaving' || (host.layers === 0 && (host.state === 'Draining' || (host.state === 'Retiring' && host.counted)))
}

export function leaveHost(fleet: FleetState, name: string, incarnation: string): boolean {
  const host = knownHost(fleet, name, incarnation)
  if (host === undefined || !mayLeave(host)) return false
  if (host.state === 'Leaving') return true
  host.state = 'Leaving'
  host.leftAt = fleet.now
  host.forgetAt = fleet.now + fleet.rules.leavingCounted
  hostChanged(fleet, host)
  return true
}

/** As if it had been silent for so much longer. Its next heartbeat says that it lives. */
export function suspectHost(fleet: FleetState, name: string): number | undefined {
  const { hosts, rules, now, graceUntil } = fleet
  const host = hosts.get(name)
  if (host === undefined || host.dead || host.state === 'Leaving') return undefined
  if (!host.suspected) {
    host.suspected = true
    host.lastSeen -= rules.hostDeadAfter - rules.suspectDeadAfter
  }
  return Math.max(0, Math.max(host.lastSeen + rules.hostDeadAfter + 1, graceUntil) - now)
}

export function removeHost(fleet: FleetState, name: string, incarnation: string | undefined): void {
  if (incarnation === undefined) fleet.demand.newborn.delete(name)
  const host = fleet.hosts.get(name)
  if (host === undefined || host.removed || (incarnation !== undefined && host.incarnation !== incarnation)) return
  host.removed = true
  bury(fleet, host)
  for (const layer of heldBy(fleet, name)) resettle(fleet, layer, 'dead', `the pod of host ${name} is gone`)
}

/** The death verdict is recorded: the host is not placeable, and forgotten in time. Its layers are taken back by the caller. */
export function bury(fleet: FleetState, host: HostRecord): void {
  host.dead = true
  refuseMoves(fleet, host)
  host.forgetAt = fleet.now + fleet.rules.hostForgottenAfter
  hostChanged(fleet, host)
}

export function forgetHost(fleet: FleetState, name: string): void {
  fleet.hosts.delete(name)
  fleet.held.delete(name)
  fleet.changed({ kind: 'host', host: name })
}

/** True when the layer's slot is this host's, in this generation. */
export function holds(layer: LayerRecord | undefined, host: string, generation: number): layer is LayerRecord {
  return layer !== undefined && layer.host === host && layer.generation === generation
}
