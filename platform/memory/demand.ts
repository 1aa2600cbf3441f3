import type { FleetState } from './records.ts'

/**
 * What a fleet was asked for lately, and how fast it grows: the memory of autoscale and of the queue, which any process may ask. platform/redis/library/demand.lua
 * is the same in Lua. Sums and maxima of whole numbers only, so that both come to the same.
 */

interface Sample {
  readonly at: number
  value: number
}

export interface Demand {
  /** Slots taken and freed. */
  flow: readonly Sample[]
  /** Hosts used. */
  used: readonly Sample[]
  /** Allocated servers that are no live hosts. */
  strays: readonly Sample[]
  straySince: number | undefined
  /** When game servers that are no hosts yet were announced. */
  readonly newborn: Map<string, number>
  /** When the last hosts were born. */
  readonly births: number[]
  /** How long (ms) a wish waits for a host that has to be started, as was seen; undefined: not seen yet. */
  start: number | undefined
}

/** A window is remembered in so many steps. */
const SAMPLES = 16
const BIRTHS = 16

export function newDemand(): Demand {
  return { flow: [], used: [], strays: [], straySince: undefined, newborn: new Map(), births: [], start: undefined }
}

/** The newest sample is added to by `merge` while it is younger than a SAMPLES-th of the window; what is older than the window goes. */
function addSample(
  samples: readonly Sample[],
  at: { readonly now: number; readonly window: number },
  value: number,
  merge: (a: number, b: number) => number,
): readonly Sample[] {
  const kept = samples.filter((sample) => at.now - sample.at < at.window)
  const newest = kept.at(-1)
  if (newest !== undefined && at.now - newest.at < Math.floor(at.window / SAMPLES)) {
    newest.value = merge(newest.value, value)
    return kept
  }
  return [...kept, { at: at.now, value }]
}

/** A slot was taken (1) or freed (-1). */
export function countFlow(fleet: FleetState, layers: number): void {
  const { demand, now, rules } = fleet
  demand.flow = addSample(demand.flow, { now, window: rules.flowWindow }, layers, (a, b) => a + b)
}

export function podStart({ demand, rules }: FleetState): number {
  return demand.start ?? rules.podStartGuess
}

/**
 * Layers more than now, one pod start later, if it goes on as it did: what opened less what closed in the window, less its square root (so much may be chance:
 * the deviation of a count), times pod start / window.
 */
export function layersComing(fleet: FleetState): number {
  const { demand, now, rules } = fleet
  const net = demand.flow.filter((sample) => now - sample.at < rules.flowWindow).reduce((sum, { value }) => sum + value, 0)
  return net <= 0 ? 0 : Math.floor(((net - Math.sqrt(net)) * podStart(fleet)) / rules.flowWindow)
}

/** The highest use of the window, this one included: what falls only for a moment shrinks nothing. */
export function peakUse({ demand, now }: FleetState, window: number, used: number): number {
  demand.used = addSample(demand.used, { now, window }, used, Math.max)
  return demand.used.reduce((peak, { value }) => Math.max(peak, value), used)
}

/** The lowest count of the window, once there were any for so long: a host that was just allocated registers within it. */
export function lastingStrays({ demand, now, rules }: FleetState, strays: number): number {
  const window = rules.strayAfter
  demand.strays = addSample(demand.strays, { now, window }, strays, Math.min)
  demand.straySince = strays === 0 ? undefined : (demand.straySince ?? now)
  if (demand.straySince === undefined || now - demand.straySince < window) return 0
  return demand.strays.reduce((lowest, { value }) => Math.min(lowest, value), strays)
}

/** Hosts that Agones may not have counted yet. */
export function countBorn({ demand: { births }, now, rules }: FleetState): number {
  return births.filter((at) => now - at < rules.countedWithin).length
}

/** Those that were announced lately and are no hosts yet; others are forgotten. */
export function countNewborn({ demand: { newborn }, now, rules }: FleetState): number {
  for (const [name, since] of [...newborn]) if (now - since >= rules.newbornCounted) newborn.delete(name)
  return newborn.size
}

/**
 * A host was born; `waited`: for how long (ms) the first in the queue had. From one that was no pod start nothing is learnt: the host was on its way already, or
 * the fleet was at its maximum.
 */
export function countBirth(fleet: FleetState, waited: number | undefined): void {
  const { demand, rules } = fleet
  demand.births.push(fleet.now)
  if (demand.births.length > BIRTHS) demand.births.shift()
  if (waited === undefined || waited < rules.podStartMin || waited > rules.podStartMax) return
  demand.start = Math.floor((podStart(fleet) * 3 + waited) / 4)
}
