import type { LayerId } from '../ids.ts'

/**
 * The journal of the layers, a part of the zone index (slot: layer). An entry is what the simulation was told in one tick; a tick is confirmed when its entry is appended, and
 * nothing that it says leaves the host before.
 *
 * The fence is the pair (epoch, replication id of the index). Every call that carries one is judged by the fence as it stands: a higher epoch there answers 'Fenced' (another owns
 * the layer); a lower one, none at all, or another replication id than the index has now answers 'Forked' (the index restarted, failed over or was flushed, and may have lost the
 * fence and the tail). After 'Forked' whoever holds the state in memory claims a new epoch and goes on from memory.
 *
 * Every method throws IndexUnavailable when the index does not answer within INDEX_CALL_DEADLINE; the call may then have happened or not, and may be repeated as it is.
 */
export interface Journal {
  /** Raises the layer's fence to `epoch` under the index's present replication id. Never lowers it, never changes the replication id of an epoch that stands. Answers the fence as it is now, and where the journal ends. */
  raiseFence(layer: LayerId, epoch: number): Promise<RaisedFence>
  /** True when the layer's fence was raised under the index's present replication id: whatever was confirmed since is here. False after a restart, a fail-over or a flush, until an owner raises it again. */
  hasFence(layer: LayerId): Promise<boolean>
  /** The epoch of the layer's fence, whatever replication id it has; 0 when it has none. No more than the number of the newest `open` that the store had when it was raised. */
  fenceEpoch(layer: LayerId): Promise<number>
  /** Entries behind tick `after`, oldest first, at most `limit` and at most MAX_JOURNAL_READ bytes of batches (but one at least): ask again until none come. */
  readJournal(layer: LayerId, fence: Fence, after: number, limit: number): Promise<FenceRefusal | JournalPart>
  /**
   * Makes `tick` the one that the next append names as its predecessor: after a claim, and after a fork. When it is the last one already nothing changes. When the last one is earlier,
   * there is a gap that the store must hold already, and all entries are dropped. 'Ahead' when the journal holds a later entry than `tick`: then nothing changes, for a confirmed
   * tick must not be forgotten.
   */
  startJournal(layer: LayerId, fence: Fence, tick: number): Promise<'Done' | FenceRefusal | 'Ahead'>
  /**
   * Appends entries of several layers in one round trip, each judged by itself, in the order asked and answered. Entries of one layer are linked one to the next, so that behind one
   * that is refused the others are too. Rejects as a whole when the index does not answer, or, before anything is sent, with InvalidInput when an entry is none: a batch above MAX_BATCH, a tick not behind `previous`, a `previous` that is not the entry of the same layer before it, another epoch than the fence's.
   */
  appendJournal(appends: readonly JournalAppend[]): Promise<readonly AppendAnswer[]>
  /** Drops the entries up to `through`, that one included. The last tick and its digest are kept. */
  trimJournal(layer: LayerId, fence: Fence, through: number): Promise<'Done' | FenceRefusal>
  /**
   * Of a layer whose stored data record `epoch` of its chain erased: drops the whole journal, the last tick too, and raises the fence to that epoch, so that whoever owned the layer is
   * Fenced. That fence is forgotten after BAR_FORGOTTEN_AFTER, unless it was raised since. Nothing changes when it stands above `epoch`: the layer was opened anew.
   */
  dropJournal(layer: LayerId, epoch: number): Promise<void>
}

export interface Fence {
  readonly epoch: number
  /** The index's replication id when the fence was raised. */
  readonly replid: string
}

export interface RaisedFence extends Fence {
  /** The tick of the newest entry ever appended or started from; 0 when there is none. As long as this fence stands only its owner adds to it. */
  readonly last: number
}

export type FenceRefusal = 'Fenced' | 'Forked'

export interface JournalEntry {
  readonly epoch: number
  readonly tick: number
  /** The tick of the entry before it. Ticks between had no inputs. */
  readonly previous: number
  /** What the simulation was told: zone-server/simulation/batch.ts. */
  readonly batch: Uint8Array
  /** The hash of the state after this tick: 16 hexadecimal digits. */
  readonly digest: string
}

export interface JournalAppend extends JournalEntry {
  readonly layer: LayerId
  readonly fence: Fence
}

/** 'Done': appended, now or by an earlier try (same epoch, tick and digest). 'OutOfSequence': the last entry is another one than `previous`. */
export type AppendAnswer = 'Done' | FenceRefusal | 'OutOfSequence'

export interface JournalPart {
  readonly entries: readonly JournalEntry[]
  /** The tick of the newest entry ever appended or started from; 0 when there is none. */
  readonly last: number
}

/** An entry's batch is at most so many bytes. */
export const MAX_BATCH = 1024 * 1024
/** An answer of readJournal has at most so many bytes of batches, unless its only entry has more. */
export const MAX_JOURNAL_READ = 4 * MAX_BATCH
