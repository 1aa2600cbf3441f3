import { randomOf } from './random.ts'

interface Event {
  readonly at: number
  readonly order: number
  readonly call: () => void
  cancelled: boolean
}

/** Lines kept for whoever reads a failure: of a run that was asked for by its seed all that are asked for. */
const LINES_KEPT = Number(process.env['BAILIWICK_LINES'] ?? 400)

/** The test's own timers and messages get a turn after so many. */
const EVENTS_PER_TURN = 5_000

/**
 * The world's one thread: events in the order of their time, each run to its end (all promises settled that it settles) before the next one begins. Everything that happens in a
 * schedule happens in such an event, and all chance comes from one seed: so the seed is the schedule.
 */
export class Kernel {
  readonly random: () => number
  readonly #heap: Event[] = []
  readonly #lines: string[] = []
  #now = 0
  #order = 0
  #events = 0
  #hash = 0x811c9dc5

  constructor(seed: number) {
    this.random = randomOf(seed)
  }

  /** Milliseconds since the schedule began. */
  get now(): number {
    return this.#now
  }

  /** What happened so far, as one number: equal for two runs of one seed, or something real got in. */
  get fingerprint(): number {
    return this.#hash >>> 0
  }

  get lines(): readonly string[] {
    return this.#lines
  }

  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.random() * (max - min + 1))
  }

  chance(probability: number): boolean {
    return this.random() < probability
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.random() * from.length)]
  }

  note(line: string): void {
    const whole = `${this.#now.toFixed(1).padStart(8)} ${line}`
    for (let i = 0; i < whole.length; i++) this.#hash = Math.imul(this.#hash ^ whole.charCodeAt(i), 0x01000193)
    this.#lines.push(whole)
    if (this.#lines.length > LINES_KEPT * 2) this.#lines.splice(0, LINES_KEPT)
  }

  /** Calls in `ms` milliseconds, unless the answered function is called before. */
  after(ms: number, call: () => void): () => void {
    const event: Event = { at: this.#now + Math.max(0, ms), order: this.#order++, call, cancelled: false }
    this.#push(event)
    return () => {
      event.cancelled = true
    }
  }

  /** Goes on to the time `until`, or until `stop` says so. */
  async run(until: number, stop: () => boolean = () => false): Promise<void> {
    for (let event = this.#heap[0]; event !== undefined && event.at <= until && !stop(); event = this.#heap[0]) {
      this.#pop()
      if (event.cancelled) continue
      this.#now = event.at
      event.call()
      await settled()
      if (++this.#events % EVENTS_PER_TURN === 0) await turn()
    }
    if (!stop()) this.#now = until
  }

  #push(event: Event): void {
    const heap = this.#heap
    let at = heap.push(event) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent]
      if (above === undefined || before(above, event)) break
      heap[at] = above
      at = parent
    }
    heap[at] = event
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      const left = heap[child]
      if (left === undefined) break
      const right = heap[child + 1]
      let least = left
      if (right !== undefined && before(right, left)) {
        least = right
        child += 1
      }
      if (before(last, least)) break
      heap[at] = least
      at = child
    }
    heap[at] = last
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** Resolves when every promise that can settle without time going by has: Node's next tick comes when there is no microtask left. */
function settled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}

/** Lets the real event loop have a turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
