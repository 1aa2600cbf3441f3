import type { ChainEntry, Store } from './store-port.ts'

/**
 * What a copy of a whole store needs besides the Store port: to find every chain, and to begin one at the number at which another store has it. No request
 * is served with it: to list is slow. Drivers and contract suite are those of the Store port.
 */
export interface StoreArchive {
  /**
   * Names of chains, at most `limit` (and at most MAX_READ), behind `after` (undefined: from the beginning), in an order of the driver's own that does not change; none: that was all. One that is begun meanwhile may be left out.
   * Those of a kind stand together; where what comes behind the kind is letters, digits, `-` and `_` alone, in the order of their codes, so that one may begin behind a name that no chain has.
   * `kind`: those of this kind alone (what stands before the first slash), for which a driver need not be able to say which kinds there are.
   */
  chains(after: string | undefined, limit: number, kind?: string): Promise<readonly string[]>
  /**
   * Makes the entry the first one of a chain without records, whatever its number: those below it count as pruned. 'Conflict' when the chain has records, unless it
   * begins with this very one (an own retry).
   */
  plant(chain: string, entry: ChainEntry): Promise<'Done' | 'Conflict'>
}

export type ArchivedStore = Store & StoreArchive
/** For who looks through all chains of a kind, in a life time. */
export type ListedStore = Store & Pick<StoreArchive, 'chains'>
