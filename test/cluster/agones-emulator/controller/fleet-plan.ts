import { isDeepStrictEqual } from 'node:util'
import type { Fleet, FleetStatus, GameServerSet } from '../types.ts'
import { DEFAULT_STEP } from './defaults.ts'

export interface FleetPlan {
  /** The set of the current template; undefined: it has to be made. */
  active: GameServerSet | undefined
  activeReplicas: number
  /** Sets of older templates that change their size. */
  resize: { set: GameServerSet; replicas: number }[]
  /** Sets of older templates that have no server left. */
  remove: GameServerSet[]
}

type Count = (set: GameServerSet) => number

const specReplicas: Count = (set) => set.spec.replicas
const replicas: Count = (set) => set.status?.replicas ?? 0
const ready: Count = (set) => set.status?.readyReplicas ?? 0
const allocated: Count = (set) => set.status?.allocatedReplicas ?? 0
const reserved: Count = (set) => set.status?.reservedReplicas ?? 0
const shutdown: Count = (set) => set.status?.shutdownReplicas ?? 0

function sum(sets: readonly GameServerSet[], count: Count): number {
  return sets.reduce((total, set) => total + count(set), 0)
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([, inner]) => inner !== null && inner !== undefined)
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutNulls(inner)]))
}

/** Gives a step of a rolling update in servers: an absolute number, or a percentage of `of`, rounded up or down. */
export function stepSize(step: number | string | undefined, of: number, round: 'up' | 'down'): number {
  const value = step ?? DEFAULT_STEP
  if (typeof value === 'number') return value
  const share = (Number.parseInt(value, 10) * of) / 100
  return round === 'up' ? Math.ceil(share) : Math.floor(share)
}

/** Splits a fleet's sets into the oldest one of the current template and all others, oldest first. */
export function splitSets(fleet: Fleet, sets: readonly GameServerSet[]): { active: GameServerSet | undefined; rest: GameServerSet[] } {
  const byAge = [...sets].sort((a, b) => ((a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? -1 : 1))
  const template = withoutNulls(fleet.spec.template)
  const active = byAge.find((set) => isDeepStrictEqual(withoutNulls(set.spec.template), template))
  return { active, rest: byAge.filter((set) => set !== active) }
}

/** Decides the size of the current set in a rolling update: one surge at a time, each when the last one stands, never in the place of an old Allocated server. */
function rollingActive(fleet: Fleet, active: GameServerSet | undefined, rest: readonly GameServerSet[]): number {
  const wanted = fleet.spec.replicas ?? 0
  const current = active?.spec.replicas ?? 0
  if (active !== undefined && current !== replicas(active)) return current
  if (wanted === 0) return 0
  const room = Math.max(0, wanted - sum(rest, allocated))
  if (current >= room) return room
  const surge = stepSize(fleet.spec.strategy?.rollingUpdate?.maxSurge, wanted, 'up')
  const next = Math.min(wanted, current + surge)
  const excess = Math.max(0, sum(rest, replicas) + next - (wanted + surge))
  return Math.min(room, Math.max(0, next - excess))
}

/** Takes servers that never became Ready out of the old sets first. */
function dropUnready(rest: readonly GameServerSet[], limit: number): Map<GameServerSet, number> {
  const sizes = new Map<GameServerSet, number>()
  let left = limit
  for (const set of rest) {
    const unready = set.spec.replicas - ready(set) - allocated(set) - reserved(set)
    const drop = Math.min(left, unready)
    if (set.spec.replicas === 0 || drop <= 0) continue
    sizes.set(set, set.spec.replicas - drop)
    left -= drop
  }
  return sizes
}

/** Decides the sizes of the old sets in a rolling update: as many Ready servers may be missing as `maxUnavailable` says. */
function rollingRest(fleet: Fleet, active: GameServerSet | undefined, rest: readonly GameServerSet[]): Map<GameServerSet, number> {
  const wanted = fleet.spec.replicas ?? 0
  const readyNow = fleet.status?.readyReplicas ?? 0
  const step = Math.max(1, stepSize(fleet.spec.strategy?.rollingUpdate?.maxUnavailable, readyNow, 'down'))
  const minAvailable = Math.min(wanted, readyNow - Math.min(step, wanted))
  const all = active === undefined ? rest : [...rest, active]
  const available = sum(all, ready)
  const missingInActive =
    active === undefined ? 0 : active.spec.replicas - ready(active) - reserved(active) - allocated(active) - shutdown(active)
  const limit = available - minAvailable - missingInActive
  if (limit <= 0) return new Map()
  const sizes = dropUnready(rest, limit)
  let left = available - minAvailable
  for (const set of rest) {
    const size = sizes.get(set) ?? set.spec.replicas
    if (left <= 0) break
    if (size <= 0) continue
    if (size !== replicas(set)) break
    if (shutdown(set) > 0) continue
    const drop = Math.min(size, left)
    sizes.set(set, replicas(set) === allocated(set) ? 0 : size - drop)
    left -= drop
  }
  return sizes
}

function sizes(fleet: Fleet, active: GameServerSet | undefined, rest: readonly GameServerSet[]): [number, Map<GameServerSet, number>] {
  const wanted = fleet.spec.replicas ?? 0
  if (rest.length === 0) return [wanted, new Map()]
  if (sum(rest, specReplicas) === 0) return [Math.max(0, wanted - sum(rest, allocated) - sum(rest, reserved)), new Map()]
  if (fleet.spec.strategy?.type === 'Recreate') {
    const zeroed = rest.filter((set) => set.spec.replicas !== 0).map((set): [GameServerSet, number] => [set, 0])
    return [Math.max(0, wanted - sum(rest, allocated)), new Map(zeroed)]
  }
  return [rollingActive(fleet, active, rest), rollingRest(fleet, active, rest)]
}

/** Decides how a fleet's replicas are divided over its sets. */
export function planFleet(fleet: Fleet, sets: readonly GameServerSet[]): FleetPlan {
  const { active, rest } = splitSets(fleet, sets)
  const [activeReplicas, resized] = sizes(fleet, active, rest)
  return {
    active,
    activeReplicas,
    resize: [...resized].map(([set, size]) => ({ set, replicas: size })).filter(({ set, replicas: size }) => set.spec.replicas !== size),
    remove: rest.filter((set) => replicas(set) === 0 && shutdown(set) === 0),
  }
}

/** Adds up the sets' counts. */
export function fleetStatus(sets: readonly GameServerSet[]): FleetStatus {
  return {
    replicas: sum(sets, replicas),
    readyReplicas: sum(sets, ready),
    reservedReplicas: sum(sets, reserved),
    allocatedReplicas: sum(sets, allocated),
  }
}
