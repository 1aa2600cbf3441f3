import { parseDuration } from './duration.ts'
import type { FleetCounts } from './ports/index-port.ts'
import { RETIRE_EMPTY_AFTER } from './timing.ts'

/** What Agones reports of the Fleet in a webhook call. */
export interface FleetStatus {
  readonly replicas: number
  readonly readyReplicas: number
  readonly reservedReplicas: number
  readonly allocatedReplicas: number
}

/** A fleet's own bounds, from the Fleet's annotations (`bailiwick.dev/spare`, `…/min`, `…/max`). */
export interface FleetBounds {
  /** Warm hosts without a layer to keep. */
  readonly spare: number
  readonly min: number
  readonly max: number
}

export const FLEET_ANNOTATIONS = {
  spare: 'bailiwick.dev/spare',
  min: 'bailiwick.dev/min',
  max: 'bailiwick.dev/max',
  retireAfter: 'bailiwick.dev/retire-after',
  capacity: 'bailiwick.dev/capacity',
} as const
export const DEFAULT_FLEET_BOUNDS: FleetBounds = { spare: 1, min: 0, max: 100 }

/** What the hosts of a fleet are used for now. */
export type FleetUse = Pick<FleetCounts, 'staying' | 'wishes' | 'capacity' | 'free' | 'coming' | 'evacuees'>

/**
 * How many hosts are used, beside those that leave: those that are occupied, those for layers that wait, and those for what is coming within one pod start and what has to leave
 * its host, beyond the free slots of occupied hosts. While layers move from hosts that leave to others it stays the same.
 */
export function hostsUsed({ staying, wishes, capacity, free, coming, evacuees }: FleetUse): number {
  const perHost = Math.max(1, capacity)
  return staying + Math.ceil(wishes / perHost) + Math.ceil(Math.max(0, coming + evacuees - free) / perHost)
}

/**
 * How many hosts are needed, beside those that leave: what is used now and the warm spare, or what was used at most lately if that is more: so the spare is for what is
 * coming, not beside it.
 */
export function hostsNeeded({ spare }: Pick<FleetBounds, 'spare'>, counts: FleetUse & Pick<FleetCounts, 'peak'>): number {
  return Math.max(counts.peak, hostsUsed({ ...counts, coming: 0 }) + spare)
}

/** What a fleet may have: one more than its maximum while outdated or draining hosts exist: their layers go only where there is room, and in a full fleet that comes from nowhere else. */
function ceiling({ max }: FleetBounds, { outdated }: Pick<FleetCounts, 'outdated'>): number {
  return max + (outdated > 0 ? 1 : 0)
}

/**
 * How many empty hosts are not retired, beside those that are occupied. The fleet's minimum counts too: a host retired below it would only be replaced, and the
 * new one retired again. Never more than the maximum leaves, so that a lowered one is reached.
 */
export function hostsToKeep(bounds: FleetBounds, counts: FleetUse & Pick<FleetCounts, 'peak' | 'outdated' | 'draining'>): number {
  const wanted = Math.max(hostsNeeded(bounds, counts) + counts.draining, bounds.min)
  return Math.max(0, Math.min(wanted, ceiling(bounds, counts)) - counts.draining - counts.staying)
}

/**
 * How many replicas a Fleet shall have: hosts needed + those that drain + servers that are Allocated but no live hosts, within the fleet's bounds, and never fewer than
 * are occupied. Agones counts every Allocated server first, of whatever template. So one that is no host must be added, or it would take the place of a host that is needed.
 *
 * The number never falls from `replicas` below what is Allocated, whether Agones has counted it so already (`allocated`) or not yet (`standing`): a number that does has Agones
 * mark as many Allocated servers as are too many as outdated, by the fill of their nodes and by name, and a host that is needed is moved. What is not needed gives itself back first. Nor does
 * the number rise for these: that would start servers that are not needed.
 */
export function desiredReplicas(counts: FleetCounts, bounds: FleetBounds, replicas: number, allocated: number): number {
  const wanted = Math.max(hostsNeeded(bounds, counts) + counts.draining + counts.strays, bounds.min)
  const lasting = Math.max(counts.staying + counts.draining, Math.min(wanted, ceiling(bounds, counts)))
  return Math.max(lasting, Math.min(replicas, Math.max(allocated, lasting + counts.leaving, counts.standing ?? 0)))
}

/** The bounds written on a Fleet; a missing or unreadable annotation means its default. */
export function fleetBounds(annotations: Readonly<Record<string, string>>): FleetBounds {
  const read = (key: string, fallback: number): number => {
    const text = annotations[key]
    return text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : fallback
  }
  return {
    spare: read(FLEET_ANNOTATIONS.spare, DEFAULT_FLEET_BOUNDS.spare),
    min: read(FLEET_ANNOTATIONS.min, DEFAULT_FLEET_BOUNDS.min),
    max: read(FLEET_ANNOTATIONS.max, DEFAULT_FLEET_BOUNDS.max),
  }
}

/** How many layers a host of the fleet may serve (`bailiwick.dev/capacity`), for as long as none was seen that says so itself; undefined: not written, or not readable. */
export function capacityWritten(annotations: Readonly<Record<string, string>>): number | undefined {
  const text = annotations[FLEET_ANNOTATIONS.capacity]
  return text !== undefined && /^[1-9]\d{0,2}$/.test(text) ? Number(text) : undefined
}

/** For how long (ms) a host beyond the spare must have been empty before it is retired; a missing or unreadable annotation means the default. */
export function retireAfter(annotations: Readonly<Record<string, string>>): number {
  const text = annotations[FLEET_ANNOTATIONS.retireAfter]
  if (text === undefined) return RETIRE_EMPTY_AFTER
  try {
    return parseDuration(text)
  } catch {
    return RETIRE_EMPTY_AFTER
  }
}
