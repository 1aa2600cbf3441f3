import { ERROR_KEPT_MS, ERRORED_AT_ANNOTATION } from '../names.ts'
import type { GameServer, GameServerSet, GameServerSetStatus, Scheduling } from '../types.ts'
import { isBeforeReady, isBeingDeleted, isHeld, stateOf } from './states.ts'

/** At most so many servers are made, and so many deleted, in one go. */
const BATCH = 64

/** How many Ready and Allocated servers each node carries, of all sets together. */
export type NodeFill = ReadonlyMap<string, number>

export interface SetPlan {
  create: number
  delete: GameServer[]
  status: GameServerSetStatus
  /** When to look again without being told, in milliseconds: a server in Error has time left, or a batch was full. */
  againAfterMs: number | undefined
}

function nodeOf(server: GameServer): string {
  return server.status?.nodeName ?? ''
}

/** Counts Ready and Allocated servers a node. */
export function nodeFill(servers: readonly GameServer[]): NodeFill {
  const fill = new Map<string, number>()
  for (const server of servers) {
    const counts = stateOf(server) === 'Ready' || stateOf(server) === 'Allocated'
    const node = nodeOf(server)
    if (node !== '') fill.set(node, (fill.get(node) ?? 0) + (counts && !isBeingDeleted(server) ? 1 : 0))
  }
  return fill
}

function comparePacked(fill: NodeFill, a: GameServer, b: GameServer): number {
  const [nodeA, nodeB] = [nodeOf(a), nodeOf(b)]
  const [fillA, fillB] = [fill.get(nodeA) ?? -1, fill.get(nodeB) ?? -1]
  if (nodeA === nodeB) {
    const early = Number(isBeforeReady(b)) - Number(isBeforeReady(a))
    if (early !== 0) return early
    return a.metadata.name < b.metadata.name ? -1 : 1
  }
  if (fillA !== fillB) return fillA - fillB
  return nodeA < nodeB ? -1 : 1
}

/** Orders servers by who is deleted first: Packed empties the least full node first, Distributed takes the oldest. */
export function victimOrder(scheduling: Scheduling, servers: readonly GameServer[], fill: NodeFill): GameServer[] {
  if (scheduling === 'Packed') return [...servers].sort((a, b) => comparePacked(fill, a, b))
  return [...servers].sort((a, b) => ((a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? -1 : 1))
}

/** Gives how long a server in Error is still kept, in milliseconds; 0 when its time is over or unknown. */
export function errorTimeLeft(server: GameServer, now: number): number {
  const erroredAt = Date.parse(server.metadata.annotations?.[ERRORED_AT_ANNOTATION] ?? '')
  return Number.isNaN(erroredAt) ? 0 : Math.max(0, erroredAt + ERROR_KEPT_MS - now)
}

/** Counts a set's servers; those on their way out count as shut down only. */
export function setStatus(servers: readonly GameServer[]): GameServerSetStatus {
  const alive = servers.filter((server) => !isBeingDeleted(server))
  const count = (state: string) => alive.filter((server) => stateOf(server) === state).length
  return {
    replicas: alive.length,
    readyReplicas: count('Ready'),
    reservedReplicas: count('Reserved'),
    allocatedReplicas: count('Allocated'),
    shutdownReplicas: servers.length - alive.length,
  }
}

/**
 * Decides what a set does next: held servers count first and are never touched, then the others; what is Unhealthy, or has been
 * in Error for long enough, goes whatever the number is.
 */
export function planSet(set: GameServerSet, servers: readonly GameServer[], fill: NodeFill, now: number): SetPlan {
  const held = servers.filter(isHeld)
  const others = servers.filter((server) => !isHeld(server) && !isBeingDeleted(server))
  const broken = others.filter(
    (server) => stateOf(server) === 'Unhealthy' || (stateOf(server) === 'Error' && errorTimeLeft(server, now) === 0),
  )
  const up = others.filter((server) => !broken.includes(server))
  const target = set.spec.replicas
  const surplus = Math.min(up.length, Math.max(0, held.length + up.length - target))
  const victims = [...broken, ...victimOrder(set.spec.scheduling ?? 'Packed', up, fill).slice(0, surplus)]
  const missing = set.metadata.deletionTimestamp === undefined ? Math.max(0, target - held.length - up.length) : 0
  const waits = up.filter((server) => stateOf(server) === 'Error').map((server) => errorTimeLeft(server, now))
  const full = missing > BATCH || victims.length > BATCH
  return {
    create: Math.min(missing, BATCH),
    delete: victims.slice(0, BATCH),
    status: setStatus(servers),
    againAfterMs: full ? 0 : waits.length === 0 ? undefined : Math.min(...waits),
  }
}

/** Gives the Allocated servers that are to be marked as beyond their set's share and are not marked yet. */
export function overflowServers(set: GameServerSet, servers: readonly GameServer[], fill: NodeFill): GameServer[] {
  const overflow = set.spec.allocationOverflow
  if (overflow === undefined || overflow === null) return []
  const allocated = servers.filter((server) => stateOf(server) === 'Allocated')
  const has = (wanted: Record<string, string> | undefined, found: Record<string, string> | undefined) =>
    Object.entries(wanted ?? {}).every(([key, value]) => found?.[key] === value)
  const unmarked = allocated.filter(
    ({ metadata }) => !has(overflow.labels, metadata.labels) || !has(overflow.annotations, metadata.annotations),
  )
  const marked = allocated.length - unmarked.length
  const alive = allocated.filter((server) => !isBeingDeleted(server)).length
  const wanted = Math.max(0, alive - set.spec.replicas - marked)
  return victimOrder(set.spec.scheduling ?? 'Packed', unmarked, fill).slice(0, wanted)
}

/** Marks a server as beyond its set's share. */
export function withOverflow(server: GameServer, set: GameServerSet): GameServer {
  const { labels, annotations } = set.spec.allocationOverflow ?? {}
  const { metadata } = server
  return {
    ...server,
    metadata: { ...metadata, labels: { ...metadata.labels, ...labels }, annotations: { ...metadata.annotations, ...annotations } },
  }
}
