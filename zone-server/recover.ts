import { chains, type LayerRecord, type LayerSegment, type LayerSnapshot } from '../core/chains.ts'
import { sleep } from '../core/clock.ts'
import { BailiwickError, describeError } from '../core/errors.ts'
import type { LayerId } from '../core/ids.ts'
import { readLayerRecord } from '../core/layer-record.ts'
import type { JournalEntry } from '../core/ports/journal-port.ts'
import { REPLAY_SLICE } from '../core/timing.ts'
import { BLOB_PAGE, CHAIN_PAGE, KEPT_STORED_AT } from './bounds.ts'
import { inTick } from './crash.ts'
import type { SeenSnapshot } from './decide-claim.ts'
import { decideRecovery, type Recovery, type SeenRecord } from './decide-recovery.ts'
import type { Lease, LeaseDeps } from './lease.ts'
import { decodeSegment, firstOf } from './segment-file.ts'
import { decodeBatch } from './simulation/batch.ts'
import type { LayerState } from './simulation/state.ts'
import { stateHash } from './simulation/state-hash.ts'
import { SIMULATION_VERSION, step } from './simulation/step.ts'
import { captureState, packSnapshot, unpackSnapshot } from './snapshot-file.ts'

/** A snapshot that was read back whole. */
export interface BaseSnapshot {
  readonly n: number
  readonly record: LayerSnapshot
  readonly state: LayerState
}

export interface Recovered {
  readonly state: LayerState
  /** The tick of the newest journal entry in the state; 0: none. */
  readonly entry: number
  /** Entries in the state that no record of the chain holds. */
  readonly unstored: readonly JournalEntry[]
  /** The journal holds entries that are not in the state and do not count. */
  readonly stray: boolean
  /** What it was recovered from; undefined: nothing ever happened in this layer. */
  readonly snapshot: { readonly n: number; readonly tick: number } | undefined
}

/** Reads a snapshot. One that does not read back is reported, and said to be so. */
export async function readSnapshot(
  layer: LayerId,
  n: number,
  { store, log, packing }: LeaseDeps,
): Promise<{ readonly seen: SeenSnapshot; readonly base?: BaseSnapshot }> {
  const chain = chains.layer(layer)
  const [entry] = await store.read(chain, n, 1)
  if (entry === undefined || entry.n !== n) {
    log.error({ layer, n }, 'a snapshot is missing')
    return { seen: { n, outcome: 'missing', before: undefined, entry: 0 } }
  }
  let before: number | undefined
  try {
    const record = readLayerRecord(chain, entry)
    before = record.lastSnapshot
    if (record.kind !== 'snapshot')
      throw new BailiwickError('StoreCorrupt', { asked: `snapshot ${n} of ${layer}`, found: `a record ${record.kind}` })
    const state = await unpackSnapshot(layer, record, entry.blob, packing)
    return { seen: { n, outcome: 'whole', before, entry: record.entry }, base: { n, record, state } }
  } catch (error) {
    log.error({ layer, n, detail: describeError(error) }, 'a snapshot does not read back and is passed over')
    return { seen: { n, outcome: 'corrupt', before, entry: 0 } }
  }
}

export interface RecoveryRequest {
  readonly layer: LayerId
  readonly base: BaseSnapshot | undefined
  /** Our own: the number of our open. */
  readonly epoch: number
  readonly journal: readonly JournalEntry[]
  readonly fresh: () => LayerState
}

/** The state with everything that was confirmed. Throws StoreCorrupt or CodeMismatch when it can't be had: contiguous, and each hash as it was, or not at all. */
export async function recover(request: RecoveryRequest, deps: LeaseDeps, signal: AbortSignal): Promise<Recovered> {
  const { layer, base, epoch, journal, fresh } = request
  if (base === undefined) {
    if (journal.length > 0)
      throw new BailiwickError('StoreCorrupt', {
        asked: `layer ${layer}`,
        found: `a journal of ${journal.length} entries, but no snapshot`,
      })
    return { state: fresh(), entry: 0, unstored: [], stray: false, snapshot: undefined }
  }
  const { record, state, n } = base
  const records = await readRecords(layer, n + 1, epoch, deps)
  const recovery = decideRecovery({ base: record, records, journal, code: SIMULATION_VERSION })
  if (recovery.do === 'stop') throw new BailiwickError(recovery.code, { asked: `layer ${layer}`, found: recovery.found })
  const snapshot = { n, tick: state.tick }
  await replay(state, recovery, deps, signal)
  deps.log.info({ layer, epoch, snapshot: snapshot.tick, entries: recovery.entries.length, tick: state.tick }, 'layer recovered')
  return { state, entry: recovery.entry, unstored: recovery.unstored, stray: recovery.stray, snapshot }
}

/** Brings the chain up to the state: a first snapshot when there was none, else a segment of what only the journal held. */
export async function storeRecovered(recovered: Recovered, lease: Lease, { packing }: LeaseDeps, signal: AbortSignal): Promise<Recovered> {
  const { state, entry, unstored, snapshot } = recovered
  if (snapshot !== undefined) {
    for (let left = unstored; left.length > 0; ) {
      const part = firstOf(left, KEPT_STORED_AT)
      left = left.slice(part.length)
      await lease.segment(part, left.length === 0, signal)
    }
    return { ...recovered, unstored: [] }
  }
  const n = await lease.snapshot(await packSnapshot(captureState(state, entry), packing), signal)
  return { ...recovered, snapshot: { n, tick: state.tick } }
}

/** The records from `from` up to the one before our open. Those of claims that failed may be thousands; few have a blob, and only a segment's is read. */
async function readRecords(layer: LayerId, from: number, open: number, deps: LeaseDeps): Promise<SeenRecord[]> {
  const chain = chains.layer(layer)
  const seen: SeenRecord[] = []
  let blobs: ReadonlyMap<number, Uint8Array | undefined> = new Map()
  for (let next = from; next < open; ) {
    const page = await deps.store.read(chain, next, Math.min(CHAIN_PAGE, open - next), 'withoutBlobs')
    for (const entry of page) {
      if (entry.n !== next)
        throw new BailiwickError('StoreCorrupt', { asked: `record ${next} of ${chain}`, found: `record ${entry.n} in its place` })
      const record = readLayerRecord(chain, entry)
      if (record.kind === 'segment' && !blobs.has(next)) blobs = await readBlobs(chain, next, Math.min(BLOB_PAGE, open - next), deps)
      seen.push(record.kind === 'segment' ? await seenSegment(layer, next, record, blobs.get(next), deps) : seenRecord(layer, next, record))
      next++
    }
    if (page.length === 0) throw new BailiwickError('StoreCorrupt', { asked: `record ${next} of ${chain}`, found: 'nothing' })
  }
  return seen
}

async function readBlobs(
  chain: string,
  from: number,
  count: number,
  { store }: LeaseDeps,
): Promise<ReadonlyMap<number, Uint8Array | undefined>> {
  return new Map((await store.read(chain, from, count)).map(({ n, blob }) => [n, blob]))
}

async function seenSegment(
  layer: LayerId,
  n: number,
  { epoch, to, hash }: LayerSegment,
  blob: Uint8Array | undefined,
  { log, packing }: LeaseDeps,
): Promise<SeenRecord> {
  try {
    return { kind: 'segment', epoch, to, entries: decodeSegment(await packing.unpack(`segment ${n} of ${layer}`, hash, blob)) }
  } catch (error) {
    // The journal may still hold what it held.
    log.error({ layer, n, detail: describeError(error) }, 'a segment does not read back and is passed over')
    return { kind: 'segment', epoch, to, entries: undefined }
  }
}

function seenRecord(layer: LayerId, n: number, record: Exclude<LayerRecord, LayerSegment>): SeenRecord {
  switch (record.kind) {
    case 'open':
      return { kind: 'open', epoch: n, code: record.code }
    case 'snapshot':
    case 'close':
      return record
    case 'erased':
      throw new BailiwickError('StoreCorrupt', { asked: `record ${n} of ${layer}`, found: 'the deletion of what stands before it' })
  }
}

/** Steps the state through the entries; what it says on the way was said before and goes nowhere. Lets others go on every REPLAY_SLICE. */
async function replay(
  state: LayerState,
  { entries, tick: end }: Extract<Recovery, { do: 'replay' }>,
  { timers }: LeaseDeps,
  signal: AbortSignal,
): Promise<void> {
  let began = timers.now()
  const breathe = async (): Promise<void> => {
    const spent = timers.now() - began
    if (spent >= 0 && spent < REPLAY_SLICE) return
    await sleep(timers, 0, signal)
    began = timers.now()
  }
  const idleUntil = async (tick: number): Promise<void> => {
    while (state.tick < tick) {
      inTick({ layer: state.layer, tick: state.tick + 1, replayed: true }, () => step(state, []))
      await breathe()
    }
  }
  for (const { tick, batch, digest } of entries) {
    await idleUntil(tick - 1)
    inTick({ layer: state.layer, tick, replayed: true, batch, digest }, () => {
      step(state, decodeBatch(batch))
      const found = stateHash(state)
      if (found !== digest) throw new BailiwickError('StoreCorrupt', { asked: `a state with hash ${digest}`, found: `hash ${found}` })
    })
    await breathe()
  }
  await idleUntil(end)
}
