interface Entry {
  readonly key: string
  readonly at: number
}

/** When which key is due: the earliest first. A key has one time, the earliest that was asked for. */
export class DueTimes {
  readonly #at = new Map<string, number>()
  /** A binary heap; entries that #at no longer agrees with are left out when they come up. */
  #heap: Entry[] = []

  get size(): number {
    return this.#at.size
  }

  add(key: string, at: number): void {
    const known = this.#at.get(key)
    if (known !== undefined && known <= at) return
    this.#at.set(key, at)
    this.#push({ key, at })
  }

  remove(key: string): void {
    this.#at.delete(key)
    if (this.#heap.length > 64 && this.#heap.length > 4 * this.#at.size) this.#rebuild()
  }

  /** The time of the first key that is due; undefined: there is none. */
  get next(): number | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (this.#at.get(first.key) === first.at) return first.at
      this.#pop()
    }
    return undefined
  }

  /** Takes out every key that is due at `now`. */
  take(now: number): readonly string[] {
    const due: string[] = []
    for (let next = this.next; next !== undefined && next <= now; next = this.next) {
      const entry = this.#pop()
      if (entry === undefined) break
      this.#at.delete(entry.key)
      due.push(entry.key)
    }
    return due
  }

  /** Takes out the first key that is due at `now`; undefined: none is. */
  shift(now: number): string | undefined {
    const next = this.next
    if (next === undefined || next > now) return undefined
    const key = this.#pop()?.key
    if (key !== undefined) this.#at.delete(key)
    return key
  }

  clear(): void {
    this.#at.clear()
    this.#heap = []
  }

  #rebuild(): void {
    this.#heap = [...this.#at].map(([key, at]) => ({ key, at })).sort((a, b) => a.at - b.at)
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    heap.push(entry)
    for (let child = heap.length - 1; child > 0; ) {
      const parent = (child - 1) >> 1
      if (!this.#swapIfLater(parent, child)) return
      child = parent
    }
  }

  #pop(): Entry | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    heap[0] = last
    for (let parent = 0; ; ) {
      const left = 2 * parent + 1
      const right = left + 1
      const smaller = (heap[right]?.at ?? Number.POSITIVE_INFINITY) < (heap[left]?.at ?? Number.POSITIVE_INFINITY) ? right : left
      if (smaller >= heap.length || !this.#swapIfLater(parent, smaller)) return first
      parent = smaller
    }
  }

  #swapIfLater(parent: number, child: number): boolean {
    const [above, below] = [this.#heap[parent], this.#heap[child]]
    if (above === undefined || below === undefined || above.at <= below.at) return false
    this.#heap[parent] = below
    this.#heap[child] = above
    return true
  }
}
