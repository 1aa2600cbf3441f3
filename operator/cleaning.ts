import type { FleetId } from '../core/ids.ts'
import type { HostView } from '../core/ports/index-port.ts'
import type { GameServerSeen } from '../core/ports/zone-source-port.ts'
import { LEAKED_AFTER, LEAKED_ALL_AFTER } from '../core/timing.ts'

/** What is known of one fleet at one moment: its servers as Kubernetes has them, its hosts as the index has them, from a read that was answered. */
export interface CleaningSeen {
  readonly fleet: FleetId
  readonly now: number
  readonly servers: readonly GameServerSeen[]
  readonly hosts: readonly HostView[]
  /** Since when (ms) each was not as it should be. */
  readonly suspects: ReadonlyMap<string, number>
}

export type Cleaning =
  | { readonly do: 'deleteServer'; readonly server: GameServerSeen; readonly reason: 'NoHeartbeat' | 'NotRegistered' }
  | { readonly do: 'removeHost' | 'drainHost'; readonly host: HostView; readonly reason: 'NoGameServer' }

export interface CleaningDecision {
  /** What is due, the longest suspected first. */
  readonly due: readonly Cleaning[]
  readonly suspects: ReadonlyMap<string, number>
}

/** The name under which it is remembered since when something is suspected. */
export function suspicionOf(fleet: FleetId, cleaning: Cleaning): string {
  if (cleaning.do === 'deleteServer') return `server ${cleaning.server.uid}`
  return `host ${fleet} ${cleaning.host.name} ${cleaning.host.incarnation}`
}

/**
 * What leaked in a fleet. An Allocated server whose host is dead or not in the index for LEAKED_AFTER on end is deleted: Agones never would (a lost node's servers stay Allocated and
 * counted). If no host of a fleet with several servers lives, it is rather the way to the index that is broken, and the servers may hold what is played:
 * then it takes LEAKED_ALL_AFTER. A host without a game server is forgotten; if it is still heard, it is drained.
 */
export function decideCleaning({ fleet, now, servers, hosts, suspects }: CleaningSeen): CleaningDecision {
  const suspected = new Map<string, number>()
  const dueAfter = (patience: number, cleaning: Cleaning): { readonly at: number; readonly cleaning: Cleaning } => {
    const key = suspicionOf(fleet, cleaning)
    const since = suspects.get(key) ?? now
    suspected.set(key, since)
    return { at: since + patience, cleaning }
  }
  const allocated = servers.filter((server) => server.state === 'Allocated' && !server.deleting)
  const known = new Map(hosts.map((host) => [host.name, host]))
  const isLive = (name: string): boolean => known.has(name) && known.get(name)?.state !== 'Dead'
  const cutOff = allocated.length > 1 && !allocated.some(({ name }) => isLive(name))
  const patience = cutOff ? LEAKED_ALL_AFTER : LEAKED_AFTER
  const leaked = allocated
    .filter(({ name }) => !isLive(name))
    .map((server) => dueAfter(patience, { do: 'deleteServer', server, reason: known.has(server.name) ? 'NoHeartbeat' : 'NotRegistered' }))
  const names = new Set(servers.map(({ name }) => name))
  const orphans = hosts
    .filter(({ name, state }) => !names.has(name) && state !== 'Leaving' && state !== 'Draining')
    .map((host) => dueAfter(LEAKED_AFTER, { do: host.state === 'Dead' ? 'removeHost' : 'drainHost', host, reason: 'NoGameServer' }))
  const due = [...leaked, ...orphans].filter(({ at }) => at <= now).sort((a, b) => a.at - b.at)
  return { due: due.map(({ cleaning }) => cleaning), suspects: suspected }
}
