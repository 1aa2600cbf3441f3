import type { LayerId } from '../../core/ids.ts'
import {
  type AppendAnswer,
  type Fence,
  type FenceRefusal,
  type JournalAppend,
  type JournalEntry,
  type JournalPart,
  MAX_JOURNAL_READ,
  type RaisedFence,
} from '../../core/ports/journal-port.ts'

/** Journal and fence of the layers. platform/redis/library/journal.lua is the same in Lua, function for function. */

export interface JournalRecord {
  fence: Fence | undefined
  /** When the fence of an erased layer is forgotten. */
  forgetAt: number | undefined
  /** The newest entry ever appended, or the tick started from, which has no digest; tick 0 when there is none. */
  last: LastEntry
  /** Oldest first. */
  readonly entries: JournalEntry[]
}

type LastEntry = Pick<JournalEntry, 'tick' | 'epoch' | 'digest'>

/** Everything of one index. `replid` is another one after each restart, as Redis' is. */
export interface JournalsState {
  replid: string
  readonly layers: Map<LayerId, JournalRecord>
}

export function createJournals(): JournalsState {
  return { replid: replicationId(1), layers: new Map() }
}

/** A replication id has 40 hexadecimal digits. */
function replicationId(n: number): string {
  return n.toString(16).padStart(40, '0')
}

/** The index goes on as another one, with what it kept: nobody's fence holds any more. */
export function restart(state: JournalsState): void {
  state.replid = replicationId(Number.parseInt(state.replid, 16) + 1)
}

function newRecord(): JournalRecord {
  return { fence: undefined, forgetAt: undefined, last: { tick: 0, epoch: 0, digest: '' }, entries: [] }
}

function recordOf(state: JournalsState, layer: LayerId, now: number): JournalRecord {
  const record = state.layers.get(layer)
  return record === undefined || isForgotten(record, now) ? newRecord() : record
}

function isForgotten({ forgetAt }: JournalRecord, now: number): boolean {
  return forgetAt !== undefined && forgetAt <= now
}

/** What a caller with this fence is refused with; undefined when it may go on. */
function judge(state: JournalsState, { fence }: JournalRecord, asked: Fence): FenceRefusal | undefined {
  if (fence === undefined || fence.epoch < asked.epoch) return 'Forked'
  if (fence.epoch > asked.epoch) return 'Fenced'
  return fence.replid === asked.replid && fence.replid === state.replid ? undefined : 'Forked'
}

export function raiseFence(state: JournalsState, layer: LayerId, epoch: number, now: number): RaisedFence {
  const record = recordOf(state, layer, now)
  const { tick: last } = record.last
  if (record.fence !== undefined && record.fence.epoch >= epoch) return { ...record.fence, last }
  record.forgetAt = undefined
  record.fence = { epoch, replid: state.replid }
  state.layers.set(layer, record)
  return { ...record.fence, last }
}

export function hasFence(state: JournalsState, layer: LayerId, now: number): boolean {
  return recordOf(state, layer, now).fence?.replid === state.replid
}

export function fenceEpoch(state: JournalsState, layer: LayerId, now: number): number {
  return recordOf(state, layer, now).fence?.epoch ?? 0
}

interface Asked {
  readonly layer: LayerId
  readonly fence: Fence
  readonly now: number
}

export function readJournal(state: JournalsState, asked: Asked, after: number, limit: number): FenceRefusal | JournalPart {
  const record = recordOf(state, asked.layer, asked.now)
  const refusal = judge(state, record, asked.fence)
  if (refusal !== undefined) return refusal
  const entries: JournalEntry[] = []
  let bytes = 0
  for (const entry of record.entries) {
    if (entry.tick <= after) continue
    bytes += entry.batch.byteLength
    if (entries.length === limit || (entries.length > 0 && bytes > MAX_JOURNAL_READ)) break
    entries.push({ ...entry, batch: new Uint8Array(entry.batch) })
  }
  return { entries, last: record.last.tick }
}

export function startJournal(state: JournalsState, asked: Asked, tick: number): 'Done' | FenceRefusal | 'Ahead' {
  const record = recordOf(state, asked.layer, asked.now)
  const refusal = judge(state, record, asked.fence)
  if (refusal !== undefined) return refusal
  if (record.last.tick > tick) return 'Ahead'
  if (record.last.tick < tick) {
    record.entries.length = 0
    record.last = { tick, epoch: asked.fence.epoch, digest: '' }
  }
  return 'Done'
}

export function appendJournal(state: JournalsState, append: JournalAppend, now: number): AppendAnswer {
  const record = recordOf(state, append.layer, now)
  const refusal = judge(state, record, append.fence)
  if (refusal !== undefined) return refusal
  const { epoch, tick, previous, digest } = append
  if (tick <= record.last.tick) {
    const known = tick === record.last.tick ? record.last : record.entries.findLast((entry) => entry.tick === tick)
    return known?.epoch === epoch && known.digest === digest ? 'Done' : 'OutOfSequence'
  }
  if (previous !== record.last.tick) return 'OutOfSequence'
  // A copy: the caller's buffer is its own.
  record.entries.push({ epoch, tick, previous, digest, batch: new Uint8Array(append.batch) })
  record.last = { tick, epoch, digest }
  return 'Done'
}

export function trimJournal(state: JournalsState, asked: Asked, through: number): 'Done' | FenceRefusal {
  const record = recordOf(state, asked.layer, asked.now)
  const refusal = judge(state, record, asked.fence)
  if (refusal !== undefined) return refusal
  const kept = record.entries.findIndex((entry) => entry.tick > through)
  record.entries.splice(0, kept === -1 ? record.entries.length : kept)
  return 'Done'
}

/** The fences of layers erased long ago go with it. */
export function dropJournal(
  state: JournalsState,
  layer: LayerId,
  epoch: number,
  at: { readonly now: number; readonly forgetAt: number },
): void {
  for (const [id, record] of state.layers) if (isForgotten(record, at.now)) state.layers.delete(id)
  const { fence } = recordOf(state, layer, at.now)
  if (fence !== undefined && fence.epoch > epoch) return
  const raised = fence?.epoch === epoch ? fence : { epoch, replid: state.replid }
  state.layers.set(layer, { ...newRecord(), fence: raised, forgetAt: at.forgetAt })
}
