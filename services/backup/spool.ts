import type { ArchivedStore } from '../../core/ports/store-archive-port.ts'
import type { ChainEntry } from '../../core/ports/store-port.ts'

const CHAIN = 'spool'

/**
 * Keeps one chain's records on the disk until they are known to be in one piece, so that a chain of any length needs the memory of a page. It is a chain of a store that is of no use
 * afterwards: its own numbers go on from one chain to the next, and what was there before is dropped.
 */
export class Spool {
  readonly #store: ArchivedStore
  #first = 1
  #next = 1
  /** The number that the first record has in its own chain. */
  #n = 1

  constructor(store: ArchivedStore) {
    this.#store = store
  }

  /** Drops what is in it. */
  async empty(): Promise<void> {
    this.#first = this.#next
    await this.#store.prune(CHAIN, this.#next)
  }

  /** Each with the number behind the one before. */
  async add({ n, nonce, ...record }: ChainEntry): Promise<void> {
    if (this.#next === this.#first) this.#n = n
    await this.#store.append(CHAIN, this.#next, nonce, record)
    this.#next += 1
  }

  /** What was added since it was emptied; at most `page` records are in memory. */
  async *entries(page: number): AsyncIterable<ChainEntry> {
    for (let at = this.#first; at < this.#next; ) {
      const found = await this.#store.read(CHAIN, at, Math.min(page, this.#next - at))
      for (const entry of found) yield { ...entry, n: entry.n - this.#first + this.#n }
      at += found.length
      if (found.length === 0) throw new RangeError(`the spool lost record ${at}`)
    }
  }
}
