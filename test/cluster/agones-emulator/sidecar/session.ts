import { LAST_ALLOCATED_ANNOTATION, SDK_METADATA_PREFIX } from '../names.ts'
import type { GameServer, GameServerState } from '../types.ts'

/** What the sidecar writes: one key of its queue each. */
export type Write = 'state' | 'labels' | 'annotations'

export interface PatchOperation {
  op: 'test' | 'add' | 'replace' | 'remove'
  path: string
  value?: unknown
}

function escaped(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}

function putAll(map: 'labels' | 'annotations', server: GameServer, entries: Iterable<[string, string]>): PatchOperation[] {
  const found = server.metadata[map]
  const changed = [...entries].filter(([key, value]) => found?.[key] !== value)
  if (changed.length === 0) return []
  const base: PatchOperation[] = found === undefined ? [{ op: 'add', path: `/metadata/${map}`, value: {} }] : []
  return [...base, ...changed.map(([key, value]): PatchOperation => ({ op: 'add', path: `/metadata/${map}/${escaped(key)}`, value }))]
}

/** The wishes of the game server that are not written yet. Pure: it is told the time and gives the patches. */
export class Session {
  private pending: GameServerState | undefined
  private reserveMs: number | undefined
  private readonly labels = new Map<string, string>()
  private readonly annotations = new Map<string, string>()

  /** Replaces the pending state: the last call wins, but nothing replaces Unhealthy. `reserveMs` goes with Reserved; 0 is for ever. */
  wish(state: GameServerState, reserveMs = 0): void {
    this.reserveMs = reserveMs > 0 ? reserveMs : undefined
    if (this.pending !== 'Unhealthy') this.pending = state
  }

  setLabel(key: string, value: string): void {
    this.labels.set(SDK_METADATA_PREFIX + key, value)
  }

  setAnnotation(key: string, value: string): void {
    this.annotations.set(SDK_METADATA_PREFIX + key, value)
  }

  /** After how long a Reserved server asks to be Ready again, in milliseconds; undefined: never. */
  get reservedForMs(): number | undefined {
    return this.pending === 'Reserved' ? this.reserveMs : undefined
  }

  /**
   * Gives the patch that makes the wishes true, on condition that the server is still the version that was seen; undefined when there
   * is nothing to write. Nothing leaves Shutdown, Unhealthy or a deletion.
   */
  patch(write: Write, server: GameServer, now: Date): PatchOperation[] | undefined {
    const changes = write === 'state' ? this.stateChanges(server, now) : putAll(write, server, this[write])
    if (changes.length === 0) return undefined
    return [{ op: 'test', path: '/metadata/resourceVersion', value: server.metadata.resourceVersion }, ...changes]
  }

  private stateChanges(server: GameServer, now: Date): PatchOperation[] {
    const state = server.status?.state
    const leaving = server.metadata.deletionTimestamp !== undefined || state === 'Shutdown' || state === 'Unhealthy'
    if (leaving || this.pending === undefined) return []
    const until = this.reservedForMs === undefined ? null : new Date(now.getTime() + this.reservedForMs).toISOString()
    const allocated: [string, string][] = this.pending === 'Allocated' ? [[LAST_ALLOCATED_ANNOTATION, now.toISOString()]] : []
    return [
      ...(server.status === undefined ? [{ op: 'add' as const, path: '/status', value: {} }] : []),
      { op: 'add', path: '/status/state', value: this.pending },
      { op: 'add', path: '/status/reservedUntil', value: until },
      ...putAll('annotations', server, allocated),
    ]
  }
}
