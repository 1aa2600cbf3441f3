import type { KubeObject } from './types.ts'

/** Deletions remembered, so that a late answer to a write doesn't bring an object back. */
const TOMBSTONES = 2_000

export type ChangeListener<T> = (key: string, current: T | undefined, previous: T | undefined) => void

/** Gives the key of an object: namespace/name, or the name alone for what has no namespace. */
export function keyOf(object: KubeObject): string {
  const { namespace, name } = object.metadata
  return namespace === undefined ? name : `${namespace}/${name}`
}

function versionOf(object: KubeObject): number {
  return Number(object.metadata.resourceVersion ?? 0)
}

/**
 * The newest known version of each object of one kind. Answers to own writes go in as well as watch events, so that a
 * decision never rests on something older than what this program did itself.
 */
export class ObjectCache<T extends KubeObject> {
  private readonly objects = new Map<string, T>()
  private readonly tombstones = new Map<string, number>()
  private readonly listeners: ChangeListener<T>[] = []

  onChange(listener: ChangeListener<T>): void {
    this.listeners.push(listener)
  }

  get(key: string): T | undefined {
    return this.objects.get(key)
  }

  list(): T[] {
    return [...this.objects.values()]
  }

  /** Takes in an object unless a newer version of it, or its deletion, is known already. */
  observe(object: T): void {
    const key = keyOf(object)
    const known = this.objects.get(key)
    if (known !== undefined && versionOf(known) >= versionOf(object)) return
    if (this.tombstones.has(object.metadata.uid ?? '')) return
    this.objects.set(key, object)
    this.tell(key, object, known)
  }

  /** Takes in a deletion. An object of the same name that was made later stays. */
  observeDeleted(object: T): void {
    const key = keyOf(object)
    this.bury(object)
    const known = this.objects.get(key)
    if (known === undefined || known.metadata.uid !== object.metadata.uid) return
    this.objects.delete(key)
    this.tell(key, undefined, known)
  }

  /** Takes in a complete list of the given version: what it lacks is gone, unless it is newer than the list. */
  replace(items: readonly T[], listVersion: number): void {
    const listed = new Set(items.map(keyOf))
    for (const [key, known] of [...this.objects]) {
      if (listed.has(key) || versionOf(known) > listVersion) continue
      this.bury(known)
      this.objects.delete(key)
      this.tell(key, undefined, known)
    }
    for (const item of items) this.observe(item)
  }

  private bury(object: T): void {
    this.tombstones.set(object.metadata.uid ?? '', versionOf(object))
    for (const uid of this.tombstones.keys()) {
      if (this.tombstones.size <= TOMBSTONES) break
      this.tombstones.delete(uid)
    }
  }

  private tell(key: string, current: T | undefined, previous: T | undefined): void {
    for (const listener of this.listeners) listener(key, current, previous)
  }
}
