import type { ChainEntry, Store } from './store-port.ts'

/**
 * What a copy of a whole store needs besides the Store port: to find every chain, and to begin one at the number at which another store has it. Nothing that is
 * served uses it. Drivers and contract suite are those of the Store port.
 */
export interface StoreArchive {
  /**
   * Names of chains, at most `limit` (and at most MAX_READ), behind `after` (a name that was answered; undefined: from the beginning), in an order of the driver's own that does not
   * change; none: that was all. One that is begun meanwhile may be left out.
   */
  chains(after: string | undefined, limit: number): Promise<readonly string[]>
  /**
   * Makes the entry the first one of a chain without records, whatever its number: those below it count as pruned. 'Conflict' when the chain has records, unless it
   * begins with this very one (an own retry).
   */
  plant(chain: string, entry: ChainEntry): Promise<'Done' | 'Conflict'>
}

export type ArchivedStore = Store & StoreArchive
