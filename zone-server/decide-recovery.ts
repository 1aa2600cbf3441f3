import type { JournalEntry } from '../core/ports/journal-port.ts'

/**
 * What a claim found of a layer: the snapshot it begins from, what stands in the chain behind it, and the journal's tail. Decides what is replayed, or that
 * nothing may be: contiguous or not at all. Pure.
 */
export interface RecoverySeen {
  readonly base: RecoveryBase
  /** The records behind the base and before our own open, in order. */
  readonly records: readonly SeenRecord[]
  /** The journal's entries, oldest first. */
  readonly journal: readonly JournalEntry[]
  /** The rules of this host. */
  readonly code: string
}

export interface RecoveryBase {
  readonly epoch: number
  readonly code: string
  readonly tick: number
  /** The tick of the newest entry in it; 0: none. */
  readonly entry: number
}

export type SeenRecord =
  | { readonly kind: 'open'; readonly epoch: number; readonly code: string }
  /** `entries` undefined: it does not read back. */
  | { readonly kind: 'segment'; readonly epoch: number; readonly to: number; readonly entries: readonly JournalEntry[] | undefined }
  /** One that does not read back and was passed over: it says how far the layer had come. */
  | { readonly kind: 'snapshot'; readonly epoch: number; readonly tick: number; readonly entry: number }
  | { readonly kind: 'close'; readonly epoch: number; readonly tick: number }

export type Recovery =
  | {
      readonly do: 'replay'
      readonly entries: readonly JournalEntry[]
      /** The tick of the newest entry, replayed or in the base. */
      readonly entry: number
      /** The state is stepped up to here; what is behind the last entry had neither inputs nor output. */
      readonly tick: number
      /** Those of them that no record of the chain gave. */
      readonly unstored: readonly JournalEntry[]
      /** The journal goes on behind them with entries that do not count. */
      readonly stray: boolean
    }
  | { readonly do: 'stop'; readonly code: 'StoreCorrupt' | 'CodeMismatch'; readonly found: string }

/** What the chain says, summed up. */
interface Told {
  /** The newest entry that the chain says there was. */
  readonly entry: number
  /** The newest tick that the chain says there was. */
  readonly tick: number
  /** Who wrote the newest record that holds state. */
  readonly epoch: number
  readonly stored: readonly JournalEntry[]
  /** The rules of each epoch. */
  readonly codes: ReadonlyMap<number, string>
}

/** What is to be replayed on the base. */
export function decideRecovery(seen: RecoverySeen): Recovery {
  const told = sumUp(seen)
  const known = new Map(told.stored.map((entry) => [entry.tick, entry]))
  let stray = false
  for (const entry of seen.journal) {
    // Behind what the chain holds, only its last writer and those who followed it count: another's entries are of a past that this index alone remembers.
    if (entry.tick > told.entry && entry.epoch < told.epoch) stray = true
    else if (entry.tick > seen.base.entry && !known.has(entry.tick)) known.set(entry.tick, entry)
  }
  const entries = [...known.values()].sort((a, b) => a.tick - b.tick)
  let last = seen.base.entry
  for (const { tick, previous, epoch } of entries) {
    if (previous !== last) return corrupt(`entry ${tick} follows entry ${previous}, but ${last} is the one before it`)
    const code = told.codes.get(epoch)
    if (code === undefined) return corrupt(`entry ${tick} of epoch ${epoch}, which nobody opened`)
    if (code !== seen.code) return mismatch(`entries of ${code} from tick ${tick} on, and ${seen.code} here`)
    last = tick
  }
  if (last < told.entry) return corrupt(`entries up to ${last}, though the chain says that there were more up to ${told.entry}`)
  const stored = new Set(told.stored.map(({ tick }) => tick))
  const unstored = entries.filter(({ tick }) => !stored.has(tick))
  return { do: 'replay', entries, entry: last, tick: Math.max(last, told.tick), unstored, stray }
}

function sumUp({ base, records }: RecoverySeen): Told {
  let { entry, tick, epoch } = base
  const codes = new Map([[base.epoch, base.code]])
  const stored: JournalEntry[] = []
  for (const record of records) {
    if (record.kind === 'open') {
      codes.set(record.epoch, record.code)
      continue
    }
    epoch = Math.max(epoch, record.epoch)
    if (record.kind === 'segment') {
      entry = Math.max(entry, record.to)
      stored.push(...(record.entries ?? []).filter((held) => held.tick > base.entry))
    } else {
      tick = Math.max(tick, record.tick)
      if (record.kind === 'snapshot') entry = Math.max(entry, record.entry)
    }
  }
  return { entry, tick: Math.max(tick, entry), epoch, stored, codes }
}

function corrupt(found: string): Recovery {
  return { do: 'stop', code: 'StoreCorrupt', found }
}

function mismatch(found: string): Recovery {
  return { do: 'stop', code: 'CodeMismatch', found }
}
