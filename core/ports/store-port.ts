/**
 * The store: the durable truth. It knows one thing: chains of records, numbered from 1 without holes, where a number is taken by exactly one insert. Every exclusive decision of
 * Bailiwick (who owns a layer, who holds a character, whose a name is, whether a refresh token was used) is such an insert.
 *
 * Drivers: platform/mongo and platform/sqlite; both pass test/contract/store-contract.ts. Majority writes and reads.
 * Every method throws StoreUnavailable when the store does not answer within STORE_CALL_DEADLINE.
 */
export interface Store {
  /**
   * Inserts record `n` of `chain`. 'Conflict' when that number is taken by another nonce; taken by this very nonce (an own retry) is 'Done'. The nonce is
   * chosen anew for each decision, and kept for its retries. A number that was pruned is 'Conflict', whoever wrote it: the chain went on without the asker.
   * Throws InvalidInput for a number that would leave a hole (above the head's + 1).
   */
  append(chain: string, n: number, nonce: string, record: StoredRecord): Promise<'Done' | 'Conflict'>
  /** The newest record, or undefined for an empty chain. Sees every append that was answered Done before it was called. */
  head(chain: string): Promise<ChainEntry | undefined>
  /** Up to `limit` records from number `from` on, in order, and never more than MAX_READ. Pruned ones are left out. 'withoutBlobs': as if none had one, so that many are cheap to read. */
  read(chain: string, from: number, limit: number, which?: 'withoutBlobs'): Promise<readonly ChainEntry[]>
  /**
   * The names of up to `limit` (and never more than MAX_READ) chains of a kind (what stands before the first slash of their names) that have a record whose `due` is at or before
   * `before`, the longest due first. A record below the head counts until it is pruned, so whoever asks looks at the head, and prunes where that is not due.
   */
  due(kind: string, before: number, limit: number): Promise<readonly string[]>
  /** Deletes records below `below`; the newest one always stays, whatever was asked. */
  prune(chain: string, below: number): Promise<void>
  /**
   * Removes a chain whose head is record `n`: afterwards it is as if it had never been, and who asks again is told 'Done'. 'Conflict' when the head is another. The one thing that gives numbers back: it is for chains that are over,
   * by a record behind which nobody appends, and have been for so long that nobody who looked at them before still wants to; and whose name means nothing else afterwards. A chain of which somebody may be about to append the
   * first record must not be removed before that is over.
   */
  remove(chain: string, n: number): Promise<'Done' | 'Conflict'>
  /** Throws StoreUnavailable when the store does not answer, or can not be made ready for what the program asks of it: for /readyz. */
  ping(): Promise<void>
  close(): Promise<void>
}

export interface StoredRecord {
  readonly kind: string
  /** Plain JSON. */
  readonly data: JsonObject
  /** Bytes that are no JSON, up to 12 MiB. */
  readonly blob?: Uint8Array
  /** From when (ms) somebody shall look at the chain again: `due` finds it then. Absent: never. */
  readonly due?: number
}

export interface ChainEntry extends StoredRecord {
  readonly n: number
  readonly nonce: string
}

export type Json = string | number | boolean | null | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json | undefined
}
