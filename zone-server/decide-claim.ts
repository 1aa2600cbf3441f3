/**
 * The claim of a layer, as decisions on what was seen of its chain (docs/architecture.md): open at head + 1, raise the fence, read the head again, newest snapshot
 * that reads back whole. Pure: lease.ts does what is answered here and adds what it saw.
 */
export interface ClaimSeen {
  /** The newest record; null: the chain is empty; undefined: not read yet. */
  readonly head: SeenHead | null | undefined
  /** The answer to the append of our `open` behind that head. */
  readonly opened: 'Done' | 'Conflict' | undefined
  /** The fence after it was raised to our epoch. */
  readonly fence: number | undefined
  /** The newest record, read after that. */
  readonly headAgain: { readonly n: number; readonly own: boolean } | undefined
  /** Snapshots that were read, newest first. */
  readonly snapshots: readonly SeenSnapshot[]
  /** How often the head was read before this time, and another was faster. */
  readonly beaten: number
}

export interface SeenHead {
  readonly n: number
  /** The newest snapshot in the chain: the head itself or where it points to; 0: none. */
  readonly newestSnapshot: number
}

export interface SeenSnapshot {
  readonly n: number
  readonly outcome: 'whole' | 'corrupt' | 'missing'
  /** Where its record points to; unknown when it is missing or can't be read at all. */
  readonly before: number | undefined
}

export type ClaimStep =
  | { readonly do: 'readHead' }
  | { readonly do: 'open'; readonly n: number; readonly lastSnapshot: number }
  | { readonly do: 'raiseFence'; readonly epoch: number }
  | { readonly do: 'readHeadAgain' }
  | { readonly do: 'readSnapshot'; readonly n: number }
  /** `snapshot` 0: nothing ever happened in this layer. */
  | { readonly do: 'serve'; readonly epoch: number; readonly snapshot: number }
  | { readonly do: 'stop'; readonly code: 'LayerLost' | 'StoreCorrupt'; readonly found: string }

/** So often another record may come in between before the claim is given up: a lively former owner writes a few snapshots a second. */
export const MAX_BEATEN = 10
/** So many snapshots are tried before the layer is left to a person. */
const MAX_SNAPSHOTS_TRIED = 20

/** The next step of a claim. */
export function decideClaim(seen: ClaimSeen): ClaimStep {
  const { head, opened } = seen
  if (head === undefined) return { do: 'readHead' }
  const epoch = (head?.n ?? 0) + 1
  if (opened === undefined) return { do: 'open', n: epoch, lastSnapshot: head?.newestSnapshot ?? 0 }
  if (opened === 'Conflict') {
    return seen.beaten >= MAX_BEATEN ? stop('LayerLost', `${seen.beaten} others that were faster`) : { do: 'readHead' }
  }
  if (seen.fence === undefined) return { do: 'raiseFence', epoch }
  if (seen.fence > epoch) return stop('LayerLost', `a fence of ${seen.fence} over our epoch ${epoch}`)
  if (seen.headAgain === undefined) return { do: 'readHeadAgain' }
  if (!seen.headAgain.own) return stop('LayerLost', `record ${seen.headAgain.n} of another behind our open ${epoch}`)
  return decideSnapshot(seen, head?.newestSnapshot ?? 0, epoch)
}

function decideSnapshot({ snapshots }: ClaimSeen, newest: number, epoch: number): ClaimStep {
  const last = snapshots.at(-1)
  if (last?.outcome === 'whole') return { do: 'serve', epoch, snapshot: last.n }
  const next = last === undefined ? newest : last.before
  // A chain that never had a snapshot begins anew; one that lost them all must not, as if nothing had ever been there.
  if (next === 0 && last === undefined) return { do: 'serve', epoch, snapshot: 0 }
  if (next === undefined || next === 0)
    return stop('StoreCorrupt', `no snapshot that reads back; tried ${snapshots.map(({ n }) => n).join(', ')}`)
  if (snapshots.length >= MAX_SNAPSHOTS_TRIED) return stop('StoreCorrupt', `${snapshots.length} snapshots that don't read back`)
  return { do: 'readSnapshot', n: next }
}

function stop(code: 'LayerLost' | 'StoreCorrupt', found: string): ClaimStep {
  return { do: 'stop', code, found }
}
