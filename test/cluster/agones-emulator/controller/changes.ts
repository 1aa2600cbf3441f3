import type { GameServer, GameServerSet } from '../types.ts'

/** Tells whether a set looks again for a change of a server of it: Agones passes over those of a server that is being deleted, until it is gone (`current` is undefined). */
export function concernsSet(current: GameServer | undefined): boolean {
  return current === undefined || current.metadata.deletionTimestamp === undefined
}

/** Tells whether a set looks again for a change of itself: it is new, or of another size. Its counts are its own doing. */
export function isResized(current: GameServerSet | undefined, previous: GameServerSet | undefined): boolean {
  return current !== undefined && current.spec.replicas !== previous?.spec.replicas
}
