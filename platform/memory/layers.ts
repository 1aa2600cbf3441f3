import type { LayerId } from '../../core/ids.ts'
import type { CloseReason, JoinAnswer, LayerCrash, LayerView, NewTicket, WishQueue } from '../../core/ports/index-port.ts'
import { wishQueue } from '../../core/wish-queue.ts'
import { claimIsLate, crashesInRow, isDead, waitAfterFailures, wantsPlace } from './decide.ts'
import { podStart } from './demand.ts'
import { holds } from './hosts.ts'
import {
  enter,
  isDue,
  layerChanged,
  layerRecord,
  place,
  placeWishes,
  quarantine,
  queue,
  release,
  resettle,
  sleep,
  stopMoving,
  unreserve,
  wish,
} from './place.ts'
import { type FleetState, type LayerRecord, zoneOf } from './records.ts'
import { addTicket, hasLiveTicket } from './tickets.ts'
import { layerView } from './views.ts'

/** The life of a layer. platform/redis/library/layers.lua is the same in Lua. */

const LATE = 'the host did not claim it in time'

export function placeLayer(fleet: FleetState, id: LayerId): LayerView {
  if (fleet.bars.has(zoneOf(id))) return { ...layerView(fleet, id), state: 'Barred' }
  const layer = layerRecord(fleet, id)
  const host = layer.host === undefined ? undefined : fleet.hosts.get(layer.host)
  if (host === undefined) {
    // Those who wait already come first.
    placeWishes(fleet, fleet.rules.sweepLimit)
    if (layer.host === undefined && layer.state !== 'Quarantined' && (layer.state !== 'Wished' || isDue(fleet, layer))) place(fleet, layer)
  } else if (isDead(host, fleet)) {
    layer.wished = true
    resettle(fleet, layer, 'dead', silent(host.name))
  } else if (claimIsLate(layer, fleet)) {
    layer.wished = true
    retake(fleet, layer)
  } else if (layer.state === 'Closing' || layer.close !== undefined) {
    if (!layer.wished) layerChanged(fleet, layer)
    layer.wished = true
  }
  return layerView(fleet, id)
}

export function silent(host: string): string {
  return `host ${host} sends no heartbeat`
}

/** The layer's host could not do it: the next choice avoids it. */
function giveUp(fleet: FleetState, layer: LayerRecord): void {
  stopMoving(fleet, layer)
  layer.ended = true
  layer.failures += 1
  layer.avoid = layer.host
}

/** The claim deadline passed: the layer is placed again. True when assigned. */
export function retake(fleet: FleetState, layer: LayerRecord): boolean {
  giveUp(fleet, layer)
  return resettle(fleet, layer, 'late', LATE)
}

/** Where a layer that was not placed stands among those that wait; not in the queue: it is full. */
function queueView(fleet: FleetState, id: LayerId): WishQueue | undefined {
  const state = fleet.layers.get(id)?.state
  if ((state !== 'Wished' && state !== 'Asleep') || fleet.bars.has(zoneOf(id))) return undefined
  const place = queue(fleet).indexOf(id) + 1
  return wishQueue({
    ...(place > 0 ? { place } : {}),
    ...{
      length: fleet.wishes.size,
      capacity: fleet.capacity ?? 1,
      podStartMs: podStart(fleet),
      births: fleet.demand.births,
      now: fleet.now,
    },
  })
}

/** Its host serves it, or is about to and holds who comes too early: a client may be sent there. */
function takesTickets(fleet: FleetState, layer: LayerRecord | undefined): layer is LayerRecord {
  const host = layer?.host === undefined ? undefined : fleet.hosts.get(layer.host)
  if (layer === undefined || host === undefined || isDead(host, fleet)) return false
  if (layer.state !== 'Serving' && host.holdsHellos !== true) return false
  return layer.state !== 'Closing' && layer.close === undefined && !claimIsLate(layer, fleet)
}

export function joinLayer(fleet: FleetState, id: LayerId, ticket: NewTicket): JoinAnswer {
  const barred = fleet.bars.has(zoneOf(id))
  const view = !barred && takesTickets(fleet, fleet.layers.get(id)) ? layerView(fleet, id) : placeLayer(fleet, id)
  const layer = fleet.layers.get(id)
  const ticketed = !barred && takesTickets(fleet, layer) && addTicket(fleet, layer, ticket)
  const waits = queueView(fleet, id)
  return { ...view, ticketed, ...(waits === undefined ? {} : { queue: waits }) }
}

export function requestClose(fleet: FleetState, id: LayerId, reason: CloseReason): void {
  const layer = fleet.layers.get(id)
  if (layer === undefined || layer.state === 'Asleep' || layer.state === 'Quarantined') return
  if (layer.state === 'Wished' || layer.state === 'Assigned') {
    release(fleet, layer)
    sleep(fleet, layer)
    return
  }
  // A drain moves the layer; every other reason is meant to keep it closed, and outlives a drain.
  if (reason !== 'Drain') {
    layer.wished = false
    unreserve(fleet, layer)
  }
  if (reason !== 'Drain' || layer.close === undefined) layer.close = reason
  layerChanged(fleet, layer)
}

export function beginClose(fleet: FleetState, id: LayerId, host: string, generation: number, force: boolean): 'ok' | 'tickets' | 'lost' {
  const layer = fleet.layers.get(id)
  if (!holds(layer, host, generation)) return 'lost'
  if (layer.state === 'Closing') return 'ok'
  if (!force && hasLiveTicket(fleet, layer)) return 'tickets'
  // Its host had not heard yet that it may stay.
  if (force && layer.takenBack && layer.close === undefined) layer.wished = true
  layer.deadline = undefined
  enter(fleet, layer, 'Closing')
  layerChanged(fleet, layer)
  return 'ok'
}

export function closeLayer(fleet: FleetState, id: LayerId, host: string, generation: number): 'ok' | 'lost' {
  const layer = fleet.layers.get(id)
  if (!holds(layer, host, generation)) return 'lost'
  const wanted = layer.wished && !fleet.bars.has(zoneOf(id))
  release(fleet, layer)
  layer.ended = true
  layer.failure = undefined
  layer.failures = 0
  layer.crash = undefined
  layer.claimDeaths = 0
  layer.avoid = undefined
  if (wanted) place(fleet, layer)
  else sleep(fleet, layer)
  placeWishes(fleet, fleet.rules.sweepLimit)
  return 'ok'
}

export interface Failure {
  readonly reason: string
  readonly crash: LayerCrash | undefined
}

export function failLayer(fleet: FleetState, id: LayerId, host: string, generation: number, { reason, crash }: Failure): 'ok' | 'lost' {
  const layer = fleet.layers.get(id)
  if (!holds(layer, host, generation)) return 'lost'
  const wanted = wantsPlace(layer, 'failed', fleet.bars.has(zoneOf(id)))
  giveUp(fleet, layer)
  release(fleet, layer)
  layer.failure = reason.slice(0, fleet.rules.failureLength)
  layer.claimDeaths = 0
  if (crash !== undefined) layer.crash = { ...crash, count: crashesInRow(layer.crash, crash, fleet), at: fleet.now }
  const crashes = crash === undefined ? 0 : (layer.crash?.count ?? 0)
  if (!wanted) sleep(fleet, layer)
  else if (crashes >= fleet.rules.crashesMax) quarantine(fleet, layer, layer.failure)
  else wish(fleet, layer, fleet.now + waitAfterFailures(Math.max(layer.failures, crashes), fleet.rules))
  return 'ok'
}

export function retryLayer(fleet: FleetState, id: LayerId): void {
  const layer = fleet.layers.get(id)
  if (layer?.state !== 'Quarantined') return
  layer.failures = 0
  layer.crash = undefined
  layer.claimDeaths = 0
  layer.avoid = undefined
  if (fleet.bars.has(zoneOf(id))) sleep(fleet, layer)
  else place(fleet, layer)
}
