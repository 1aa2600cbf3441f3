import { type KubernetesObject, keyOf } from './objects.ts'

/** The local copy of a collection. Tells of every difference that it takes in. */
export class ObjectCache {
  readonly #objects = new Map<string, KubernetesObject>()
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

  put(object: KubernetesObject): void {
    const known = this.#objects.get(keyOf(object))
    this.#objects.set(keyOf(object), object)
    if (known?.metadata.uid !== object.metadata.uid || known?.metadata.resourceVersion !== object.metadata.resourceVersion) {
      this.#onChange({ object, removed: false })
    }
  }

  remove(object: KubernetesObject): void {
    if (this.#objects.delete(keyOf(object))) this.#onChange({ object, removed: true })
  }

  /** The copy becomes exactly `objects`. */
  replace(objects: readonly KubernetesObject[]): void {
    const keys = new Set(objects.map(keyOf))
    for (const [key, object] of [...this.#objects]) if (!keys.has(key)) this.remove(object)
    for (const object of objects) this.put(object)
  }

  /**
   * Takes in the answer to a conditional write. It is the direct successor of `base`, so it is taken only while the copy still holds that; else the
   * watch has already been further.
   */
  advance(base: KubernetesObject, written: KubernetesObject): void {
    const known = this.#objects.get(keyOf(base))
    if (known?.metadata.resourceVersion === base.metadata.resourceVersion) this.put(written)
  }
}
