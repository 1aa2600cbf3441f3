import type { IndexRules } from '../../core/index-rules.ts'
import type { LayerCrash, LayerReport } from '../../core/ports/index-port.ts'
import { byName, type HostRecord, type LayerRecord } from './records.ts'

/**
 * The decisions of the zone index, without its data: platform/redis/library/decide.lua says the same in Lua, function for function.
 */
export interface Moment {
  readonly now: number
  readonly graceUntil: number
  readonly rules: IndexRules
}

/** Index time, forward only, and the grace that follows a jump. All hosts look silent after one; if none was heard since the last grace, another jump says nothing new. */
export function graceAfter(now: number, lastCall: number | undefined, heard: boolean, rules: IndexRules): number | undefined {
  const jumped = lastCall !== undefined && now - lastCall > rules.clockJump
  return jumped && heard ? now + rules.grace : undefined
}

/** Heard of lately: only such a host is given layers. */
export function isFresh(host: HostRecord, at: Moment): boolean {
  return !host.dead && at.now - host.lastSeen <= at.rules.hostDeadAfter
}

/** It was there before this moment. */
function isWarm(host: HostRecord, at: Moment): boolean {
  return at.now - host.bornAt >= at.rules.hostWarmAfter
}

/** The death verdict. None during grace, unless its pod is known to be gone. */
export function isDead(host: HostRecord, at: Moment): boolean {
  return host.dead || (at.now >= at.graceUntil && at.now - host.lastSeen > at.rules.hostDeadAfter)
}

/** It has as much to do as it can bear: it takes nothing more, whatever slots are free. */
export function isFull(host: HostRecord, rules: IndexRules): boolean {
  return host.players >= rules.hostPlayersFull || host.cpu >= rules.hostCpuFull || host.lateness >= rules.hostLateFull
}

export function isPlaceable(host: HostRecord, rules: IndexRules): boolean {
  const isReady = (host.state === 'Ready' || host.state === 'Retiring') && !host.dead && !host.outdated
  return isReady && host.layers + host.reserved < host.capacity && !isFull(host, rules)
}

/** Ready before Retiring, then the most layers (so that hosts get empty and can go), then the fewest players, then the name. */
function comparePlaces(a: HostRecord, b: HostRecord): number {
  const retiring = Number(a.state === 'Retiring') - Number(b.state === 'Retiring')
  return retiring || b.layers + b.reserved - a.layers - a.reserved || a.players - b.players || byName(a.name, b.name)
}

/** What a layer shall not have if another place is free: the host that gave it up, and nodes, so that one lost node takes only a part. */
export interface PlacesToAvoid {
  readonly host: string | undefined
  readonly nodes: ReadonlySet<string>
  /** Also none that registered a moment ago, whether or not another is free. */
  readonly new: boolean
}

/** Nothing is to be avoided. */
export const nowhere: PlacesToAvoid = { host: undefined, nodes: new Set(), new: false }

/** So many hosts are looked at for one on another node. */
const NODES_LOOKED_AT = 64

/** The one placement choice: the best place that is neither the host nor on a node to be avoided; else the best on such a node; else the host itself; else none. */
export function chooseHost(hosts: Iterable<HostRecord>, avoid: PlacesToAvoid, at: Moment): HostRecord | undefined {
  const places = [...hosts].filter((host) => isPlaceable(host, at.rules) && isFresh(host, at))
  const mayBe = (host: HostRecord): boolean => !avoid.new || isWarm(host, at)
  const isGood = (host: HostRecord): boolean => mayBe(host) && host.name !== avoid.host && !avoid.nodes.has(host.node)
  const best = places.reduce<HostRecord | undefined>((a, b) => (a === undefined || comparePlaces(b, a) < 0 ? b : a), undefined)
  if (best === undefined || isGood(best)) return best
  const looked = places.sort(comparePlaces).slice(0, NODES_LOOKED_AT).filter(mayBe)
  return looked.find(isGood) ?? looked.find((host) => host.name !== avoid.host) ?? looked[0]
}

/** Assigned or being claimed, and the deadline is not over. No claim is late during grace: its host could not say so. */
export function claimIsLate(layer: LayerRecord, at: Moment): boolean {
  return layer.deadline !== undefined && at.now > layer.deadline && at.now >= at.graceUntil
}

const rank = { Assigned: 0, Claiming: 1, Serving: 2, Closing: 3 } as const

/** Whether a report of the layer's own host and generation is news. The first Claiming has no epoch yet; everything else goes forward in (epoch, state). */
export function isNews(layer: LayerRecord, report: LayerReport): boolean {
  if (layer.state === 'Asleep' || layer.state === 'Wished' || layer.state === 'Quarantined') return false
  if (layer.state === 'Assigned' && report.state === 'Claiming') return true
  if (report.epoch !== layer.epoch) return report.epoch > layer.epoch
  return rank[report.state] >= rank[layer.state]
}

/**
 * Whether a host's report of a layer that is not its own (any more, or in this generation) makes it its own: the index has lost something (a flush, a
 * restart without the last writes) or took the host for dead and found no other. All of:
 * - no record, or a generation not below the recorded one, and not that very one if it has ended (closed, failed, dropped, late);
 * - an epoch not below the recorded one, and above it if another live host has the layer: of two claimants the higher epoch wins;
 * - a zone that is not barred, or whose layer has a record (a record missing under a bar was forgotten on purpose);
 * - a slot free on the host, or this layer in it.
 */
export function isAdoptable(
  report: LayerReport,
  layer: LayerRecord | undefined,
  host: HostRecord,
  facts: { readonly otherHolderLives: boolean; readonly barred: boolean },
): boolean {
  if (host.state === 'Leaving') return false
  if (layer === undefined) return !facts.barred && host.layers < host.capacity
  if (report.generation < layer.generation || (report.generation === layer.generation && layer.ended)) return false
  if (facts.otherHolderLives ? report.epoch <= layer.epoch : report.epoch < layer.epoch) return false
  return layer.host === host.name || host.layers < host.capacity
}

/** Why a layer lost its host. */
export type Loss = 'dead' | 'late' | 'failed' | 'drained'

/**
 * What becomes of a layer that lost its host: it is placed again, unless it was to be closed for good or was closing when the host died, and nobody
 * asked for it since.
 */
export function wantsPlace(layer: Pick<LayerRecord, 'state' | 'close' | 'wished'>, loss: Loss, barred: boolean): boolean {
  if (barred) return false
  if (layer.wished) return true
  if (layer.close !== undefined && layer.close !== 'Drain') return false
  return !(layer.state === 'Closing' && loss === 'dead')
}

/**
 * How many layers a draining host may be moving at once: one, or as many as it takes to be done by its deadline, which is `left` ms away (undefined: none).
 * `layers`: those that it still has.
 */
export function movesAtOnce(layers: number, left: number | undefined, rules: IndexRules): number {
  if (left === undefined) return 1
  return left <= 0 ? layers : Math.max(1, Math.ceil((layers * rules.drainMoveExpected) / left))
}

/** Whether a drain has no time left to wait for room. */
export function isRushed(left: number | undefined, rules: IndexRules): boolean {
  return left !== undefined && left <= rules.drainRoomReserve
}

/** How many hosts of so many may be draining when another one begins because it is outdated. */
export function outdatedAtOnce(hosts: number, rules: IndexRules): number {
  return Math.max(1, Math.floor((hosts * rules.outdatedShare) / 100))
}

/** How often in a row a layer has crashed with this crash: on the same entry, or in play, and not long after the one before. */
export function crashesInRow(before: LayerRecord['crash'], crash: LayerCrash, at: Moment): number {
  const isSame = before !== undefined && before.replayed === crash.replayed && (!crash.replayed || before.tick === crash.tick)
  return isSame && at.now - before.at <= at.rules.crashForgottenAfter ? before.count + 1 : 1
}

/** How long (ms) a layer that was given up `failures` times in a row waits before it is placed again. */
export function waitAfterFailures(failures: number, rules: IndexRules): number {
  if (failures < 2) return 0
  return Math.min(rules.failedLayerWaitMax, rules.failedLayerWaitMin * 2 ** Math.min(failures - 2, 20))
}
