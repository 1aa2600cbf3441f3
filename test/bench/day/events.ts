interface Event {
  readonly at: number
  readonly order: number
  readonly run: () => Promise<void>
}

/** What is to happen, by time; at one time in the order in which it was said. A binary heap. */
export class Events {
  readonly #heap: Event[] = []
  #order = 0

  at(at: number, run: () => Promise<void>): void {
    const heap = this.#heap
    heap.push({ at, order: this.#order++, run })
    let child = heap.length - 1
    while (child > 0) {
      const parent = (child - 1) >> 1
      if (!this.#isBefore(child, parent)) break
      this.#swap(child, parent)
      child = parent
    }
  }

  /** Takes the next one that is due by then. */
  next(until: number): Event | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.at(-1)
    if (first === undefined || last === undefined || first.at > until) return undefined
    heap.pop()
    if (heap.length === 0) return first
    heap[0] = last
    for (let parent = 0; ; ) {
      const left = 2 * parent + 1
      if (left >= heap.length) return first
      const child = left + 1 < heap.length && this.#isBefore(left + 1, left) ? left + 1 : left
      if (!this.#isBefore(child, parent)) return first
      this.#swap(child, parent)
      parent = child
    }
  }

  #isBefore(i: number, j: number): boolean {
    const [a, b] = [this.#heap[i], this.#heap[j]]
    return a !== undefined && b !== undefined && (a.at < b.at || (a.at === b.at && a.order < b.order))
  }

  #swap(i: number, j: number): void {
    const [a, b] = [this.#heap[i], this.#heap[j]]
    if (a === undefined || b === undefined) return
    this.#heap[i] = b
    this.#heap[j] = a
  }
}
