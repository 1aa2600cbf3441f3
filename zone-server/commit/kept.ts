import type { JournalEntry } from '../../core/ports/journal-port.ts'
import { invariant } from '../invariant.ts'
import { firstOf, weightOf } from '../segment-file.ts'

/** Confirmed entries that the chain does not hold yet: what a segment is made of, and what the owner alone has when the index forgets. */
export class Kept {
  #entries: JournalEntry[] = []
  #bytes = 0

  /** About what they take in memory. */
  get bytes(): number {
    return this.#bytes
  }

  /** The newest tick in it; undefined when it is empty. */
  get newest(): number | undefined {
    return this.#entries.at(-1)?.tick
  }

  /** Adds an entry that was confirmed. */
  add(entry: JournalEntry): void {
    const last = this.#entries.at(-1)
    invariant(
      last === undefined || entry.previous === last.tick,
      'what is kept for the store has no gap',
      `entry ${entry.tick} behind ${last?.tick}`,
    )
    this.#entries.push(entry)
    this.#bytes += weightOf(entry)
  }

  /** The oldest entries, up to so many bytes, and one at least when there is one. */
  oldest(bytes: number): readonly JournalEntry[] {
    return firstOf(this.#entries, bytes)
  }

  /** The chain holds everything up to this tick now. */
  dropThrough(tick: number): void {
    const end = this.#entries.findIndex((entry) => entry.tick > tick)
    for (const entry of this.#entries.splice(0, end === -1 ? this.#entries.length : end)) this.#bytes -= weightOf(entry)
  }
}
