import type { LayerId } from '../core/ids.ts'
import { type GameServerView, OUTDATED_ANNOTATION } from '../core/ports/game-server-port.ts'
import type { CloseReason, HeartbeatAnswer } from '../core/ports/index-port.ts'
import { ANNOUNCE_LIMIT, GIVEN_BACK_TAKEN_WITHIN, HEARTBEAT_EVERY, SDK_REPEAT_EVERY, SHUTDOWN_SEEN_LIMIT } from '../core/timing.ts'

/** Everything that a host decides by. */
export interface HostObserved {
  readonly now: number
  /** What the SDK's watch showed last. */
  readonly server: GameServerView | undefined
  /** Asked to end (SIGTERM) and by when it must have, ms; undefined: not asked. */
  readonly stopBy: number | undefined
  readonly membership: 'none' | 'registered' | 'left'
  /** The index was told, since it was no host last, that it is about to be one. */
  readonly announced: boolean
  /** Since when it tries to tell it, or did. */
  readonly announcingSince: number | undefined
  /** Since when it has left the index. */
  readonly leftAt: number | undefined
  /** It left, or last asked to leave, because it was not needed. */
  readonly retired: boolean
  /** drainHost was answered since the registration: without a deadline, or with the one by which this host must end. */
  readonly drained: 'no' | 'openEnded' | 'byDeadline'
  /** The last wish that was called out to the SDK. */
  readonly wish: { readonly kind: Wish; readonly at: number } | undefined
  readonly heartbeatAt: number
  /** Something happened that the index should hear of, or that it should be asked about. */
  readonly heartbeatDue: boolean
  /** The newest answer since the registration. */
  readonly answer: HeartbeatAnswer | undefined
  readonly layers: readonly ObservedLayer[]
  /** Generations that ended here; an answer that was on its way meanwhile may still name them. */
  readonly ended: ReadonlyMap<LayerId, number>
  /** Calls under way: none of them is made twice at a time. */
  readonly busy: ReadonlySet<HostAction['do']>
}

export interface ObservedLayer {
  readonly layer: LayerId
  readonly generation: number
  readonly closing: boolean
}

export type Wish = 'ready' | 'allocate' | 'shutdown'

export type HostAction =
  | { readonly do: 'wish'; readonly kind: Wish }
  | { readonly do: 'announce' }
  | { readonly do: 'register' }
  | { readonly do: 'heartbeat'; readonly outdated: boolean }
  /** Its layers are to be elsewhere within so long, ms; undefined: whenever there is room. */
  | { readonly do: 'drain'; readonly withinMs: number | undefined }
  /** retired: it is not needed; else it has to go. */
  | { readonly do: 'leave'; readonly retired: boolean }
  /** It gave itself back and is not taken: it begins anew, as a host that was just born. */
  | { readonly do: 'return' }
  | { readonly do: 'claim'; readonly layer: LayerId; readonly generation: number }
  | { readonly do: 'drop'; readonly layer: LayerId; readonly reason: string }
  | { readonly do: 'close'; readonly layer: LayerId; readonly reason: CloseReason }
  | { readonly do: 'end'; readonly reason: string }

/** States before Ready, in which the server waits for `ready()`. */
const notReady: ReadonlySet<string> = new Set(['', 'PortAllocation', 'Creating', 'Starting', 'Scheduled', 'RequestReady'])
/** Nothing leaves these. */
const ending: ReadonlySet<string> = new Set(['Shutdown', 'Unhealthy', 'Error'])

/** What the host is to do now; each kind of thing in its own check, in this order. */
export function decideHost(seen: HostObserved): readonly HostAction[] {
  return [...wishes(seen), ...membership(seen), ...layers(seen), ...end(seen)]
}

/** It is to be told to the index. Of an outdated host the index knows by its heartbeat, and decides when its turn comes. */
function needsDrain({ server, stopBy, drained }: HostObserved): boolean {
  if (stopBy !== undefined) return drained !== 'byDeadline'
  return server !== undefined && isEnding(server) && drained === 'no'
}

/** The host is on its way out, for whatever reason: nothing new, everything it has goes. */
function isDraining({ server, stopBy }: HostObserved): boolean {
  return stopBy !== undefined || (server !== undefined && (isEnding(server) || isOutdated(server)))
}

function isEnding(server: GameServerView): boolean {
  return server.deleting || ending.has(server.state)
}

function isOutdated(server: GameServerView | undefined): boolean {
  return server?.annotations[OUTDATED_ANNOTATION] !== undefined
}

function hasAddress(server: GameServerView): boolean {
  return server.address !== '' && server.ports.length > 0
}

/** What Agones is asked for. A call is a wish: it is repeated until the watch agrees. */
function wishes(seen: HostObserved): HostAction[] {
  const kind = wanted(seen)
  if (kind === undefined || seen.busy.has('wish')) return []
  const repeated = seen.wish?.kind === kind && elapsed(seen.wish.at, seen) < SDK_REPEAT_EVERY
  return repeated ? [] : [{ do: 'wish', kind }]
}

function wanted(seen: HostObserved): Wish | undefined {
  const { server, stopBy, membership: member } = seen
  if (server === undefined || isEnding(server)) return undefined
  // On SIGTERM at once: the replacement starts while this pod uses its grace.
  if (stopBy !== undefined) return 'shutdown'
  if (member === 'left') return seen.retired ? wantedByRetired(server) : 'shutdown'
  if (member === 'none' && isDraining(seen)) return 'shutdown'
  if (notReady.has(server.state)) return 'ready'
  // It gave itself back and came back before that was written: taken back, or it would be no host's state a moment later.
  if (server.state === 'Allocated') return seen.wish?.kind === 'ready' ? 'allocate' : undefined
  // Without an address yet, an allocation would lose it for good.
  const free = (server.state === 'Ready' || server.state === 'Reserved') && hasAddress(server)
  return free && mayAllocate(seen) ? 'allocate' : undefined
}

/**
 * Unannounced, another host might be taken for one too many. But who can't reach the index must not stay Ready for ever: the fleet's number would count on it, and nobody would find out that
 * it is no host. And a host of the index is needed, whatever Agones made of it.
 */
function mayAllocate(seen: HostObserved): boolean {
  const { announced, announcingSince, membership: member } = seen
  return announced || member === 'registered' || (announcingSince !== undefined && elapsed(announcingSince, seen) >= ANNOUNCE_LIMIT)
}

/** How long ago that was, ms. A clock that went back can't say: for ever, so that nothing waits for it to come so far again. */
function elapsed(at: number, { now }: Pick<HostObserved, 'now'>): number {
  return now < at ? Number.POSITIVE_INFINITY : now - at
}

/**
 * A retired host gives itself back: Agones takes a server that is Ready before it takes another one for outdated, and makes none in its place, as it would of one that shuts down
 * while the fleet's number still stands.
 */
function wantedByRetired({ state }: GameServerView): Wish | undefined {
  return state === 'Allocated' ? 'ready' : undefined
}

function membership(seen: HostObserved): HostAction[] {
  const { server, membership: member, busy, answer } = seen
  if (server === undefined || member === 'left') return []
  if (member === 'none') {
    if (!seen.announced && !isDraining(seen) && server.state !== 'Allocated') return busy.has('announce') ? [] : [{ do: 'announce' }]
    const fit = server.state === 'Allocated' && hasAddress(server) && !isDraining(seen)
    // With layers it registers even while it drains: the index lost it, and the layers are to be closed in order.
    return (fit || seen.layers.length > 0) && !busy.has('register') ? [{ do: 'register' }] : []
  }
  const actions: HostAction[] = []
  const late = elapsed(seen.heartbeatAt, seen) >= HEARTBEAT_EVERY
  if ((late || seen.heartbeatDue) && !busy.has('heartbeat')) actions.push({ do: 'heartbeat', outdated: isOutdated(server) })
  if (needsDrain(seen) && !busy.has('drain'))
    actions.push({ do: 'drain', withinMs: seen.stopBy === undefined ? undefined : Math.max(0, seen.stopBy - seen.now) })
  const empty = seen.layers.length === 0 && answer !== undefined && answer.layers.length === 0
  if (answer?.mayLeave === true && empty && !busy.has('leave')) {
    // It left already, and the answer to that was lost: as what it asked to leave.
    const retired = answer.state === 'Retiring' || (answer.state === 'Leaving' && seen.retired)
    actions.push({ do: 'leave', retired })
  }
  return actions
}

function layers(seen: HostObserved): HostAction[] {
  const { answer } = seen
  if (answer === undefined || !answer.known) return []
  const actions: HostAction[] = []
  for (const mine of seen.layers) {
    const assigned = answer.layers.find(({ layer, generation }) => layer === mine.layer && generation === mine.generation)
    if (assigned === undefined) actions.push({ do: 'drop', layer: mine.layer, reason: 'the index gave it to another' })
    else if (assigned.closeRequested !== undefined && !mine.closing)
      actions.push({ do: 'close', layer: mine.layer, reason: assigned.closeRequested })
  }
  for (const { layer, generation } of answer.layers) {
    const here = seen.layers.some((mine) => mine.layer === layer)
    if (!here && generation > (seen.ended.get(layer) ?? 0)) actions.push({ do: 'claim', layer, generation })
  }
  return actions
}

function end(seen: HostObserved): HostAction[] {
  const { server, stopBy, now, leftAt, membership: member } = seen
  if (stopBy !== undefined && now >= stopBy) return [{ do: 'end', reason: 'the time to stop is over' }]
  if (seen.layers.length > 0) return []
  if (member === 'left' && leftAt !== undefined) {
    if (server === undefined || isEnding(server)) return [{ do: 'end', reason: 'left, and the game server ends' }]
    if (seen.retired && stopBy === undefined) return elapsed(leftAt, seen) >= GIVEN_BACK_TAKEN_WITHIN ? [{ do: 'return' }] : []
    return elapsed(leftAt, seen) >= SHUTDOWN_SEEN_LIMIT ? [{ do: 'end', reason: 'left, and shutdown was wished' }] : []
  }
  if (member === 'none' && !seen.busy.has('register')) {
    if (stopBy !== undefined && (server === undefined || isEnding(server) || seen.wish?.kind === 'shutdown'))
      return [{ do: 'end', reason: 'stopped before it was a host' }]
    if (server !== undefined && isEnding(server))
      return [{ do: 'end', reason: `the game server is ${server.deleting ? 'being deleted' : server.state}` }]
  }
  return []
}
