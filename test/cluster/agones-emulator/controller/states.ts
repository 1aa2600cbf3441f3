import type { GameServer, GameServerState } from '../types.ts'

const BEFORE_READY: readonly GameServerState[] = ['PortAllocation', 'Creating', 'Starting', 'Scheduled', 'RequestReady']

/** Gives the state; '' for a server that was made a moment ago. */
export function stateOf(server: GameServer): GameServerState | '' {
  return server.status?.state ?? ''
}

/** Tells whether the server is on its way out. */
export function isBeingDeleted(server: GameServer): boolean {
  return server.metadata.deletionTimestamp !== undefined || stateOf(server) === 'Shutdown'
}

/** Tells whether the server has not been Ready yet. */
export function isBeforeReady(server: GameServer): boolean {
  const state = stateOf(server)
  return state === '' || BEFORE_READY.includes(state)
}

/** Tells whether a set must leave the server alone: Allocated or Reserved, and not being deleted already. */
export function isHeld(server: GameServer): boolean {
  const state = stateOf(server)
  return (state === 'Allocated' || state === 'Reserved') && server.metadata.deletionTimestamp === undefined
}
