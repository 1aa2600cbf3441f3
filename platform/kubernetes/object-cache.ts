import { type KubernetesObject, keyOf } from './objects.ts'

/** The local copy of a collection. Tells of every difference that it takes in. */
export class ObjectCache {
  readonly #objects = new Map<string, KubernetesObject>()
  /** Versions that we wrote and the watch has not shown yet. */
  readonly #ahead = new Map<string, string | undefined>()
  readonly #onChange: (change: { readonly object: KubernetesObject; readonly removed: boolean }) => void

  constructor(onChange: (change: { readonly object: KubernetesObject; readonly removed: boolean }) => void) {
    this.#onChange = onChange
  }

  get(key: string): KubernetesObject | undefined {
    return this.#objects.get(key)
  }

  values(): readonly KubernetesObject[] {
    return [...this.#objects.values()]
  }

  get size(): number {
    return this.#objects.size
  }

  /** What the watch shows. What it shows of the time before our own last write is known better already. */
  put(object: KubernetesObject): void {
    const key = keyOf(object)
    const { uid, resourceVersion } = object.metadata
    const known = this.#objects.get(key)
    if (this.#ahead.has(key)) {
      if (known?.metadata.uid === uid && this.#ahead.get(key) !== resourceVersion) return
      this.#ahead.delete(key)
    }
    this.#take(object)
  }

  #take(object: KubernetesObject): void {
    const known = this.#objects.get(keyOf(object))
    this.#objects.set(keyOf(object), object)
    if (known?.metadata.uid !== object.metadata.uid || known?.metadata.resourceVersion !== object.metadata.resourceVersion) {
      this.#onChange({ object, removed: false })
    }
  }

  remove(object: KubernetesObject): void {
    this.#ahead.delete(keyOf(object))
    if (this.#objects.delete(keyOf(object))) this.#onChange({ object, removed: true })
  }

  /** The copy becomes exactly `objects`. */
  replace(objects: readonly KubernetesObject[]): void {
    this.#ahead.clear()
    const keys = new Set(objects.map(keyOf))
    for (const [key, object] of [...this.#objects]) if (!keys.has(key)) this.remove(object)
    for (const object of objects) this.put(object)
  }

  /**
   * Takes in the answer to a conditional write. It is the direct successor of `base`, so it is taken only while the copy still holds that; else the
   * watch has already been further. Until the watch shows it, what it shows is older: taken in, it would be judged as it was before, and written in vain.
   */
  advance(base: KubernetesObject, written: KubernetesObject): void {
    if (!this.#holds(base) || written.metadata.resourceVersion === base.metadata.resourceVersion) return
    this.#ahead.set(keyOf(written), written.metadata.resourceVersion)
    this.#take(written)
  }

  /** Takes in what was read while the copy held `base`, unless the watch has been further since. */
  refresh(base: KubernetesObject, found: KubernetesObject): void {
    if (!this.#holds(base)) return
    // Nobody knows what comes between; the watch will end with what is so.
    this.#ahead.delete(keyOf(found))
    this.#take(found)
  }

  #holds(base: KubernetesObject): boolean {
    return this.#objects.get(keyOf(base))?.metadata.resourceVersion === base.metadata.resourceVersion
  }
}
