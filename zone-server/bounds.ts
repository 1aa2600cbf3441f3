import { MAX_BATCH } from '../core/ports/journal-port.ts'
import { MAX_BLOB_BYTES, MAX_READ } from '../core/store-record.ts'

/** The bounds of what a layer keeps in memory and writes at once, in bytes unless the name says otherwise. */

/** Journal entries are read so many at a time. */
export const JOURNAL_PAGE = 500
/** Chain records are read so many at a time … */
export const CHAIN_PAGE = MAX_READ
/** … or so many with their blobs. */
export const BLOB_PAGE = 8
/** What one tick takes from the queue of inputs, as the queue counts: half of what an entry may hold, for the count is an estimate from above. */
export const BATCH_LIMIT = MAX_BATCH / 2
/** What waits in the queue of inputs; past it players' inputs are refused. */
export const QUEUE_LIMIT = 4 * MAX_BATCH
/** Confirmed entries that the store does not hold yet: from here on a segment is written … */
export const KEPT_STORED_AT = MAX_BLOB_BYTES / 3
/** … and from here on, because the store did not take it, the layer holds. */
export const KEPT_LIMIT = MAX_BLOB_BYTES - 2 * MAX_BATCH
