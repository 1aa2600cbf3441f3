import { DEV_ADDRESS_ANNOTATION } from '../names.ts'
import type { GameServer, GameServerState, GameServerStatus, Node, Pod } from '../types.ts'
import { statusPorts, whereabouts } from './address.ts'
import { isDefaulted } from './defaults.ts'
import { isBeingDeleted, stateOf } from './states.ts'

/** The next single step for a game server. */
export type Step =
  | { do: 'nothing' }
  | { do: 'default' }
  | { do: 'allocate-ports' }
  | { do: 'create-pod' }
  | { do: 'set-state'; state: GameServerState; status: Partial<GameServerStatus>; reason: string }
  | { do: 'delete-pod' }
  | { do: 'remove-finalizer' }
  | { do: 'delete-server' }
  | { do: 'pod-missing' }

export interface Observed {
  server: GameServer
  /** The pod of the server's name that it controls. */
  pod: Pod | undefined
  /** The node that the pod runs on. */
  node: Node | undefined
}

const NOTHING: Step = { do: 'nothing' }

function setState(state: GameServerState, reason: string, status: Partial<GameServerStatus> = {}): Step {
  return { do: 'set-state', state, status, reason }
}

function leaving({ pod }: Observed): Step {
  if (pod === undefined) return { do: 'remove-finalizer' }
  return pod.metadata.deletionTimestamp === undefined ? { do: 'delete-pod' } : NOTHING
}

function development(server: GameServer, address: string): Step {
  const state = stateOf(server)
  if (state === 'RequestReady') return setState('Ready', 'SDK.Ready() complete')
  if (state !== 'Creating') return NOTHING
  const addresses = [{ type: 'InternalIP', address }]
  return setState('Ready', 'development server', { address, addresses, nodeName: address, ports: statusPorts(server) })
}

/** What the pod says against the server: it failed, was evicted, ended by itself, or is gone. */
function judgedByPod({ server, pod }: Observed): Step | undefined {
  const state = stateOf(server)
  if (state === 'Unhealthy' || state === 'Error' || state === 'PortAllocation' || state === 'Creating') return undefined
  if (pod === undefined) return { do: 'pod-missing' }
  if (pod.status?.phase === 'Succeeded') return setState('Shutdown', 'Pod is in Succeeded state')
  const failed = pod.status?.phase === 'Failed' || pod.status?.reason === 'Evicted'
  if (failed && pod.metadata.deletionTimestamp === undefined) return setState('Unhealthy', 'Issue with Gameserver pod')
  return undefined
}

function starting({ server, pod, node }: Observed): Step {
  if (pod === undefined || (pod.status?.podIPs ?? []).length === 0) return NOTHING
  const where = whereabouts(server, pod, node)
  return where === undefined ? NOTHING : setState('Scheduled', 'Address and port populated', where)
}

function requestReady({ server, pod, node }: Observed): Step {
  if (pod === undefined) return NOTHING
  const known = (server.status?.nodeName ?? '') !== ''
  const where = known ? {} : whereabouts(server, pod, node)
  return where === undefined ? NOTHING : setState('Ready', 'SDK.Ready() complete', where)
}

/** Decides what a game server needs next. Whoever does it observes again afterwards, until the answer is nothing. */
export function nextStep(observed: Observed): Step {
  const { server } = observed
  if (server.metadata.deletionTimestamp !== undefined) return leaving(observed)
  if (!isDefaulted(server)) return { do: 'default' }
  if (isBeingDeleted(server)) return { do: 'delete-server' }
  const devAddress = server.metadata.annotations?.[DEV_ADDRESS_ANNOTATION]
  if (devAddress !== undefined) return development(server, devAddress)
  const judged = judgedByPod(observed)
  if (judged !== undefined) return judged
  switch (stateOf(server)) {
    case 'PortAllocation':
      return { do: 'allocate-ports' }
    case 'Creating':
      return observed.pod === undefined ? { do: 'create-pod' } : setState('Starting', 'Pod exists')
    case 'Starting':
      return starting(observed)
    case 'RequestReady':
      return requestReady(observed)
    default:
      return NOTHING
  }
}
