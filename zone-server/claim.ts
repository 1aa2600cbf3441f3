import { randomUUID } from 'node:crypto'
import { chains } from '../core/chains.ts'
import { sleep } from '../core/clock.ts'
import { BailiwickError } from '../core/errors.ts'
import type { LayerId } from '../core/ids.ts'
import { readLayerRecord, storedLayerRecord } from '../core/layer-record.ts'
import type { JournalEntry } from '../core/ports/journal-port.ts'
import type { ChainEntry } from '../core/ports/store-port.ts'
import { FORGOTTEN_FENCE_WAIT } from '../core/timing.ts'
import { type ClaimSeen, type ClaimStep, decideClaim, nothingSeen, type SeenHead } from './decide-claim.ts'
import { readTail } from './journal-tail.ts'
import { Lease, type LeaseDeps } from './lease.ts'
import { type BaseSnapshot, type Recovered, readSnapshot, recover, storeRecovered } from './recover.ts'
import type { LayerState } from './simulation/state.ts'
import { SIMULATION_VERSION } from './simulation/step.ts'

export interface ClaimRequest {
  readonly layer: LayerId
  readonly generation: number
  readonly host: string
  /** Read while the claim reads the chain: it is known when the layer is opened. */
  readonly zone: Promise<ClaimedZone>
  /** The first look at the chain, if it was begun already; undefined, or failed: the claim looks itself. */
  readonly firstLook?: Promise<FirstLook> | undefined
}

/** What a claim reads first. It may be out of date: what is appended behind that head is a Conflict then. */
export interface FirstLook {
  /** The newest record of the layer's chain. */
  readonly head: ChainEntry | undefined
  /** The epoch of the layer's fence in the index. */
  readonly fenceEpoch: number
}

/** Throws StoreUnavailable, IndexUnavailable. */
export async function lookFirst(
  layer: LayerId,
  { store, index }: { readonly store: Pick<LeaseDeps['store'], 'head'>; readonly index: Pick<LeaseDeps['index'], 'fenceEpoch'> },
): Promise<FirstLook> {
  const [head, fenceEpoch] = await Promise.all([store.head(chains.layer(layer)), index.fenceEpoch(layer)])
  return { head, fenceEpoch }
}

/** What a claim must know of the layer's zone. */
export interface ClaimedZone {
  /** The hash of the zone's content. */
  readonly content: string
  /** The state of a layer in which nothing ever happened. */
  readonly fresh: () => LayerState
}

export interface Claimed {
  readonly lease: Lease
  readonly state: LayerState
  /** The tick of the newest journal entry in the state; 0: none. */
  readonly entry: number
  /** The snapshot that it was recovered from: it was read back whole. */
  readonly snapshot: { readonly n: number; readonly tick: number }
}

const EMPTY_INDEX = 'after a restore the index is to be emptied: docs/backup.md'

/** What a claim gathers besides what it decides by. */
interface Claiming {
  readonly request: ClaimRequest
  readonly deps: LeaseDeps
  readonly signal: AbortSignal
  readonly chain: string
  readonly nonce: string
  /** Looked at already; used once. */
  firstLook: Promise<FirstLook> | undefined
  /** The newest snapshot, which is read while the layer is opened and fenced. */
  ahead?: { readonly n: number; readonly read: ReturnType<typeof readSnapshot> }
  base?: BaseSnapshot
  journal: readonly JournalEntry[]
  lease?: Lease
  recovered?: Recovered
}

/**
 * Claims a layer for a new epoch and recovers it. Throws LayerLost when another is the owner, StoreCorrupt when what was confirmed can't be had contiguous
 * and whole, CodeMismatch when only other code could replay it, StoreUnavailable or IndexUnavailable.
 */
export async function claimLayer(request: ClaimRequest, deps: LeaseDeps, signal: AbortSignal): Promise<Claimed> {
  let seen = nothingSeen
  let claiming = begin(request, deps, signal, request.firstLook)
  for (;;) {
    signal.throwIfAborted()
    const step = decideClaim(seen)
    switch (step.do) {
      case 'serve':
        return served(claiming)
      case 'stop':
        throw new BailiwickError(step.code, {
          asked: `layer ${request.layer}`,
          found: step.found,
          ...(step.code === 'StoreOlder' ? { todo: EMPTY_INDEX } : {}),
        })
      case 'beginAnew':
        deps.log.warn({ layer: request.layer }, 'a claim begins anew: the index forgot its fence, or remembered what does not count')
        claiming = begin(request, deps, signal)
        // Since our `open` stands, whoever had the layer before can store nothing more.
        seen = { ...nothingSeen, forked: seen.forked + 1, waited: true }
        break
      default:
        seen = await look(seen, step, claiming)
    }
  }
}

function begin(request: ClaimRequest, deps: LeaseDeps, signal: AbortSignal, firstLook?: Promise<FirstLook>): Claiming {
  return { request, deps, signal, chain: chains.layer(request.layer), nonce: randomUUID(), journal: [], firstLook }
}

function served({ lease, recovered, request }: Claiming): Claimed {
  if (lease === undefined || recovered?.snapshot === undefined)
    throw new BailiwickError('InvariantBroken', { asked: `a claim of ${request.layer}`, found: 'served before it was recovered' })
  const { state, entry, snapshot } = recovered
  return { lease, state, entry, snapshot }
}

type LookStep = Exclude<ClaimStep, { readonly do: 'serve' | 'stop' | 'beginAnew' }>

/** Does one step and answers what is seen after it. */
async function look(seen: ClaimSeen, step: LookStep, claiming: Claiming): Promise<ClaimSeen> {
  const { request, deps, chain, nonce } = claiming
  const { store, index } = deps
  switch (step.do) {
    case 'readHead': {
      const known = seen.fenceEpoch
      const { head, fenceEpoch } = known === undefined ? await first(claiming) : { head: await store.head(chain), fenceEpoch: known }
      const beaten = seen.opened === 'Conflict' ? seen.beaten + 1 : seen.beaten
      const headIsLater = seen.fenceEpoch !== undefined
      return { ...seen, head: head === undefined ? null : seenHead(chain, head), fenceEpoch, headIsLater, opened: undefined, beaten }
    }
    case 'lookAtFence':
      return { ...seen, fenced: await index.hasFence(request.layer) }
    case 'waitForOwner':
      deps.log.warn(
        { layer: request.layer, ms: FORGOTTEN_FENCE_WAIT },
        'the index forgot the fence of a layer; an owner that lives has so long to store it',
      )
      await sleep(deps.timers, FORGOTTEN_FENCE_WAIT, claiming.signal)
      return { ...seen, head: undefined, waited: true }
    case 'open': {
      const { host, generation, zone } = request
      const { content } = await zone
      if (step.lastSnapshot > 0) readAhead(claiming, step.lastSnapshot)
      const record = {
        kind: 'open',
        host,
        generation,
        code: SIMULATION_VERSION,
        content,
        ...{ lastSnapshot: step.lastSnapshot, erasedAt: step.erasedAt },
      } as const
      return { ...seen, opened: await store.append(chain, step.n, nonce, storedLayerRecord(record)) }
    }
    case 'dropJournal':
      await index.dropJournal(request.layer, step.epoch)
      return { ...seen, dropped: true }
    case 'raiseFence':
      return { ...seen, fence: await index.raiseFence(request.layer, step.epoch) }
    case 'readHeadAgain': {
      const head = await store.head(chain)
      return { ...seen, headAgain: { n: head?.n ?? 0, own: head?.nonce === nonce } }
    }
    case 'readSnapshot': {
      const { ahead } = claiming
      const read = await (ahead?.n === step.n ? ahead.read : readSnapshot(request.layer, step.n, deps))
      if (read.base !== undefined) claiming.base = read.base
      return { ...seen, snapshots: [...seen.snapshots, read.seen] }
    }
    case 'readJournal': {
      const journal = await readTail(request.layer, step.fence, claiming.base?.record.entry ?? 0, index)
      if (typeof journal === 'string') return { ...seen, journal }
      claiming.journal = journal
      return { ...seen, journal: 'Read' }
    }
    case 'recover':
      await bringBack(seen, step, claiming)
      return { ...seen, recovered: claiming.recovered?.entry ?? 0, stray: claiming.recovered?.stray ?? false }
    case 'startJournal':
      return { ...seen, started: await index.startJournal(request.layer, step.fence, seen.recovered ?? 0) }
  }
}

/** The look that was begun ahead; when it failed or was used already, another one. */
async function first(claiming: Claiming): Promise<FirstLook> {
  const ahead = claiming.firstLook
  claiming.firstLook = undefined
  return (await ahead?.catch(() => undefined)) ?? lookFirst(claiming.request.layer, claiming.deps)
}

/** Begins to read a snapshot, which never changes: whether it is still the one to begin from is decided when it is asked for, as is what its failure means. */
function readAhead(claiming: Claiming, n: number): void {
  const read = readSnapshot(claiming.request.layer, n, claiming.deps)
  read.catch(() => undefined)
  claiming.ahead = { n, read }
}

/** Replays what was confirmed, and stores of it what the store lacks: from here on the chain alone is enough, and says which past is the one. */
async function bringBack(
  { fence, head }: ClaimSeen,
  { epoch, snapshot }: Extract<ClaimStep, { readonly do: 'recover' }>,
  claiming: Claiming,
): Promise<void> {
  const { request, deps, signal, nonce, base, journal } = claiming
  if (fence === undefined) throw new BailiwickError('InvariantBroken', { asked: `a claim of ${request.layer}`, found: 'no fence' })
  const { layer, generation, host } = request
  const { content, fresh } = await request.zone
  const lease = new Lease(
    { layer, generation, host, content, epoch, nonce, fence, lastSnapshot: snapshot, erasedAt: head?.erasedAt ?? 0 },
    deps,
  )
  const recovered = await recover({ layer, base, epoch, journal, fresh }, deps, signal)
  claiming.lease = lease
  claiming.recovered = await storeRecovered(recovered, lease, deps, signal)
}

function seenHead(chain: string, entry: ChainEntry): SeenHead {
  const record = readLayerRecord(chain, entry)
  return {
    n: entry.n,
    newestSnapshot: record.kind === 'snapshot' ? entry.n : record.lastSnapshot,
    erasedAt: record.kind === 'erased' ? entry.n : record.erasedAt,
    ended: record.kind === 'close' || record.kind === 'erased',
  }
}
