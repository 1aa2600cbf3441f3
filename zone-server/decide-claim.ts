import type { Fence, RaisedFence } from '../core/ports/journal-port.ts'

/**
 * The claim of a layer, as decisions on what was seen (docs/durability.md): open at head + 1, raise the fence, read the head again, newest snapshot that reads
 * back whole, journal's tail, replay, store what the store lacks, start the journal. Pure: claim.ts does what is answered here and adds what it saw.
 */
export interface ClaimSeen {
  /** The newest record; null: the chain is empty; undefined: not read yet. */
  readonly head: SeenHead | null | undefined
  /** The epoch of the layer's fence in the index, whoever raised it, as it was once; undefined: not looked at. */
  readonly fenceEpoch: number | undefined
  /** The head was read after the fence's epoch, and not beside it. */
  readonly headIsLater: boolean
  /** Whether the index still has the layer's fence as its last owner raised it; undefined: not looked at. */
  readonly fenced: boolean | undefined
  /** An owner that the index forgot had its time to store what only it has; or nobody but us can write the chain any more. */
  readonly waited: boolean
  /** The answer to the append of our `open` behind that head. */
  readonly opened: 'Done' | 'Conflict' | undefined
  /** What an index remembers of a layer whose data is gone, or of a past that does not count, was dropped. */
  readonly dropped: boolean
  /** The fence after it was raised to our epoch. */
  readonly fence: RaisedFence | undefined
  /** The newest record, read after that. */
  readonly headAgain: { readonly n: number; readonly own: boolean } | undefined
  /** Snapshots that were read, newest first. */
  readonly snapshots: readonly SeenSnapshot[]
  /** The journal's tail, under our fence. */
  readonly journal: 'Read' | 'Fenced' | 'Forked' | undefined
  /** The tick of the newest journal entry in the state, once that is what was confirmed and the store holds all of it; 0: none. */
  readonly recovered: number | undefined
  /** The journal holds entries of a past that does not count. */
  readonly stray: boolean
  /** The journal goes on from the recovered state. */
  readonly started: 'Done' | 'Fenced' | 'Forked' | 'Ahead' | undefined
  /** How often the head was read before this time, and another was faster. */
  readonly beaten: number
  /** How often the claim was begun anew, because the index had forgotten the fence. */
  readonly forked: number
}

export interface SeenHead {
  readonly n: number
  /** The newest snapshot in the chain: the head itself or where it points to; 0: none. */
  readonly newestSnapshot: number
  /** The newest record that says that everything before it was erased: the head itself or where it points to; 0: none. */
  readonly erasedAt: number
  /** It ends an epoch in order: the chain has everything. */
  readonly ended: boolean
}

export interface SeenSnapshot {
  readonly n: number
  readonly outcome: 'whole' | 'corrupt' | 'missing'
  /** Where its record points to; unknown when it is missing or can't be read at all. */
  readonly before: number | undefined
  /** Of a whole one: the tick of the newest journal entry in it. */
  readonly entry: number
}

export type ClaimStep =
  | { readonly do: 'readHead' }
  | { readonly do: 'lookAtFence' }
  /** For FORGOTTEN_FENCE_WAIT; the head is read again then. */
  | { readonly do: 'waitForOwner' }
  | { readonly do: 'open'; readonly n: number; readonly lastSnapshot: number; readonly erasedAt: number }
  /** Up to this epoch nothing is stored. */
  | { readonly do: 'dropJournal'; readonly epoch: number }
  | { readonly do: 'raiseFence'; readonly epoch: number }
  | { readonly do: 'readHeadAgain' }
  | { readonly do: 'readSnapshot'; readonly n: number }
  | { readonly do: 'readJournal'; readonly fence: Fence }
  /** `snapshot` 0: nothing ever happened in this layer. */
  | { readonly do: 'recover'; readonly epoch: number; readonly snapshot: number }
  | { readonly do: 'startJournal'; readonly fence: Fence }
  | { readonly do: 'beginAnew' }
  | { readonly do: 'serve' }
  | { readonly do: 'stop'; readonly code: StopCode; readonly found: string }

type StopCode = 'LayerLost' | 'StoreCorrupt' | 'StoreOlder' | 'IndexUnavailable'

export const nothingSeen: ClaimSeen = {
  head: undefined,
  fenceEpoch: undefined,
  headIsLater: false,
  fenced: undefined,
  waited: false,
  opened: undefined,
  dropped: false,
  fence: undefined,
  headAgain: undefined,
  snapshots: [],
  journal: undefined,
  recovered: undefined,
  stray: false,
  started: undefined,
  beaten: 0,
  forked: 0,
}

/** So often another record may come in between before the claim is given up: a lively former owner writes a few records a second. */
export const MAX_BEATEN = 10
/** So often the index may forget the fence in the middle of a claim before the claim is given up. */
export const MAX_FORKED = 5
/** So many snapshots are tried before the layer is left to a person. */
const MAX_SNAPSHOTS_TRIED = 20

/** The next step of a claim. */
export function decideClaim(seen: ClaimSeen): ClaimStep {
  const { head, opened, fence } = seen
  if (head === undefined) return { do: 'readHead' }
  if (isStoreOlder(seen)) return seen.headIsLater ? stop('StoreOlder', olderStore(seen)) : { do: 'readHead' }
  const epoch = (head?.n ?? 0) + 1
  if (opened === undefined && mayHaveOwner(seen)) return seen.fenced === undefined ? { do: 'lookAtFence' } : { do: 'waitForOwner' }
  if (opened === undefined) return { do: 'open', n: epoch, lastSnapshot: head?.newestSnapshot ?? 0, erasedAt: head?.erasedAt ?? 0 }
  if (opened === 'Conflict')
    return seen.beaten >= MAX_BEATEN ? stop('LayerLost', `${seen.beaten} others that were faster`) : { do: 'readHead' }
  // Nothing was ever served without a snapshot: the data was erased, or its first owner did not come that far.
  if (head !== null && head.newestSnapshot === 0 && !seen.dropped) return { do: 'dropJournal', epoch: head.n }
  if (fence === undefined) return { do: 'raiseFence', epoch }
  if (fence.epoch > epoch) return stop('LayerLost', `a fence of ${fence.epoch} over our epoch ${epoch}`)
  if (seen.headAgain === undefined) return { do: 'readHeadAgain' }
  if (!seen.headAgain.own) return stop('LayerLost', `record ${seen.headAgain.n} of another behind our open ${epoch}`)
  const snapshot = decideSnapshot(seen, head?.newestSnapshot ?? 0)
  return typeof snapshot === 'number' ? decideJournal(seen, fence, epoch, snapshot) : snapshot
}

/**
 * An emptied index knows of no owner, and may have sent us where one lives that has not noticed yet. As soon as our `open` stands it could not store any more what it alone has: the
 * tail that the index lost with the fence. Behind the end of an epoch, or where nothing was ever served, there is no such tail.
 */
function mayHaveOwner({ head, fenced, waited }: ClaimSeen): boolean {
  return head !== undefined && head !== null && !head.ended && head.newestSnapshot > 0 && fenced !== true && !waited
}

/**
 * A fence is raised to the number of an `open` that stands in the chain already. One above the whole chain is of a store that had more than this one: it was put back to an older state, or is
 * another. What the index has of the layer belongs to a past that this store does not know.
 */
function isStoreOlder({ fenceEpoch, head, opened }: ClaimSeen): boolean {
  return opened === undefined && (fenceEpoch ?? 0) > (head?.n ?? 0)
}

function olderStore({ fenceEpoch, head }: ClaimSeen): string {
  return `a fence of epoch ${fenceEpoch} in the index, and ${head === undefined || head === null ? 'no record' : `records up to ${head.n}`} in the store`
}

/** The number of the snapshot to begin from, or what to do to find it. */
function decideSnapshot({ snapshots }: ClaimSeen, newest: number): ClaimStep | number {
  const last = snapshots.at(-1)
  if (last?.outcome === 'whole') return last.n
  const next = last === undefined ? newest : last.before
  // A chain that never had a snapshot begins anew: nothing was served before there was one. One that lost them all must not, as if nothing had ever been there.
  if (next === 0 && last === undefined) return 0
  if (next === undefined || next === 0)
    return stop('StoreCorrupt', `no snapshot that reads back; tried ${snapshots.map(({ n }) => n).join(', ')}`)
  if (snapshots.length >= MAX_SNAPSHOTS_TRIED) return stop('StoreCorrupt', `${snapshots.length} snapshots that don't read back`)
  return { do: 'readSnapshot', n: next }
}

function decideJournal(seen: ClaimSeen, fence: RaisedFence, epoch: number, snapshot: number): ClaimStep {
  const { journal, recovered } = seen
  // Nobody can have added to it since the fence was raised: what it holds is in the snapshot, or is to be read.
  if (journal === undefined && fence.last > (seen.snapshots.at(-1)?.entry ?? 0)) return { do: 'readJournal', fence }
  if (journal !== undefined && journal !== 'Read') return refused(seen, journal, epoch)
  if (recovered === undefined) return { do: 'recover', epoch, snapshot }
  // The chain alone is enough now, and an owner's entries would not fit behind those of another past.
  if (seen.stray) return seen.dropped ? { do: 'beginAnew' } : { do: 'dropJournal', epoch }
  // It ends where the state does: there is nothing to start.
  if (fence.last === recovered) return { do: 'serve' }
  if (seen.started === undefined) return { do: 'startJournal', fence }
  if (seen.started === 'Done') return { do: 'serve' }
  if (seen.started === 'Ahead') return stop('StoreCorrupt', 'a journal that goes on behind what was read of it, under our own fence')
  return refused(seen, seen.started, epoch)
}

function refused({ forked }: ClaimSeen, refusal: 'Fenced' | 'Forked', epoch: number): ClaimStep {
  if (refusal === 'Fenced') return stop('LayerLost', `a fence over our epoch ${epoch}`)
  return forked + 1 >= MAX_FORKED ? stop('IndexUnavailable', `an index that forgot the fence ${forked + 1} times`) : { do: 'beginAnew' }
}

function stop(code: StopCode, found: string): ClaimStep {
  return { do: 'stop', code, found }
}
