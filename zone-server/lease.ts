import { randomUUID } from 'node:crypto'
import { chains, type LayerRecord } from '../core/chains.ts'
import type { Timers } from '../core/clock.ts'
import { BailiwickError, describeError } from '../core/errors.ts'
import type { LayerId } from '../core/ids.ts'
import type { ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { ChainEntry, Store } from '../core/ports/store-port.ts'
import { type ClaimSeen, type ClaimStep, decideClaim, type SeenHead, type SeenSnapshot } from './decide-claim.ts'
import { readLayerRecord, storedLayerRecord } from './records.ts'
import { retrying } from './retry.ts'
import type { LayerState } from './simulation/state.ts'
import { SIMULATION_VERSION } from './simulation/step.ts'
import { type PackedSnapshot, unpackSnapshot } from './snapshot-file.ts'

export interface LeaseDeps {
  readonly store: Store
  readonly index: ZoneIndex
  readonly log: Log
  readonly timers: Timers
}

export interface ClaimRequest {
  readonly layer: LayerId
  readonly generation: number
  readonly host: string
}

/**
 * The right to write one layer's chain, in one epoch. Numbers are counted here and never looked up: whoever finds the next one taken is no longer the
 * owner, and every method then throws LayerLost, for good.
 */
export class Lease {
  readonly layer: LayerId
  readonly epoch: number
  readonly #chain: string
  readonly #deps: LeaseDeps
  #next: number
  #lastSnapshot: number
  #lost = false
  /** One append after another. */
  #tail: Promise<unknown> = Promise.resolve()

  constructor(layer: LayerId, epoch: number, lastSnapshot: number, deps: LeaseDeps) {
    this.layer = layer
    this.epoch = epoch
    this.#chain = chains.layer(layer)
    this.#deps = deps
    this.#next = epoch + 1
    this.#lastSnapshot = lastSnapshot
  }

  /** Appends a snapshot, for as long as the store is away or until the signal aborts. Answers its number. */
  async snapshot(packed: PackedSnapshot, signal: AbortSignal): Promise<number> {
    const n = await this.#append(() => this.#record({ kind: 'snapshot', tick: packed.tick, hash: packed.hash }), packed.blob, signal)
    this.#lastSnapshot = n
    return n
  }

  /** Appends the end of this epoch. */
  async close(tick: number, signal: AbortSignal): Promise<void> {
    await this.#append(() => this.#record({ kind: 'close', tick }), undefined, signal)
  }

  /** Reads a snapshot of this lease back. Throws StoreCorrupt when it is not what was written. */
  async verify(n: number, hash: string): Promise<void> {
    const [entry] = await this.#deps.store.read(this.#chain, n, 1)
    await unpackSnapshot(this.layer, hash, entry?.n === n ? entry.blob : undefined)
  }

  async prune(below: number): Promise<void> {
    await this.#deps.store.prune(this.#chain, below)
  }

  #record(what: { kind: 'snapshot'; tick: number; hash: string } | { kind: 'close'; tick: number }): LayerRecord {
    return { ...what, epoch: this.epoch, lastSnapshot: this.#lastSnapshot }
  }

  #append(record: () => LayerRecord, blob: Uint8Array | undefined, signal: AbortSignal): Promise<number> {
    const mine = this.#tail.then(async () => {
      if (this.#lost) throw lost(this.layer, this.epoch)
      const n = this.#next
      const nonce = randomUUID()
      const stored = { ...storedLayerRecord(record()), ...(blob === undefined ? {} : { blob }) }
      const append = (): Promise<'Done' | 'Conflict'> => this.#deps.store.append(this.#chain, n, nonce, stored)
      if (
        (await retrying(append, { what: `${stored.kind} of ${this.layer}`, log: this.#deps.log, timers: this.#deps.timers, signal })) ===
        'Conflict'
      ) {
        this.#lost = true
        throw lost(this.layer, this.epoch)
      }
      this.#next = n + 1
      return n
    })
    this.#tail = mine.catch(() => undefined)
    return mine
  }
}

export interface Claimed {
  readonly lease: Lease
  /** Undefined when nothing ever happened in this layer. */
  readonly state: LayerState | undefined
}

/**
 * Claims a layer for a new epoch. Throws LayerLost when another is the owner, StoreCorrupt when no snapshot reads back, StoreUnavailable or IndexUnavailable.
 */
export async function claimLayer(request: ClaimRequest, deps: LeaseDeps, signal: AbortSignal): Promise<Claimed> {
  const chain = chains.layer(request.layer)
  const nonce = randomUUID()
  let seen: ClaimSeen = { head: undefined, opened: undefined, fence: undefined, headAgain: undefined, snapshots: [], beaten: 0 }
  let state: LayerState | undefined
  for (;;) {
    signal.throwIfAborted()
    const step = decideClaim(seen)
    if (step.do === 'serve') {
      return { lease: new Lease(request.layer, step.epoch, step.snapshot, deps), state }
    }
    if (step.do === 'stop') throw new BailiwickError(step.code, { asked: `layer ${request.layer}`, found: step.found })
    if (step.do === 'readSnapshot') {
      const read = await readSnapshot(request.layer, step.n, deps)
      state = read.state
      seen = { ...seen, snapshots: [...seen.snapshots, read.seen] }
    } else seen = await look(seen, step, { request, deps, chain, nonce })
  }
}

interface Claiming {
  readonly request: ClaimRequest
  readonly deps: LeaseDeps
  readonly chain: string
  readonly nonce: string
}

type LookStep = Exclude<ClaimStep, { readonly do: 'serve' | 'stop' | 'readSnapshot' }>

/** Does one step and answers what is seen after it. */
async function look(seen: ClaimSeen, step: LookStep, { request, deps, chain, nonce }: Claiming): Promise<ClaimSeen> {
  switch (step.do) {
    case 'readHead': {
      const head = await deps.store.head(chain)
      const beaten = seen.opened === 'Conflict' ? seen.beaten + 1 : seen.beaten
      return { ...seen, head: head === undefined ? null : seenHead(chain, head), opened: undefined, beaten }
    }
    case 'open': {
      const { host, generation } = request
      const record: LayerRecord = { kind: 'open', host, generation, code: SIMULATION_VERSION, lastSnapshot: step.lastSnapshot }
      return { ...seen, opened: await deps.store.append(chain, step.n, nonce, storedLayerRecord(record)) }
    }
    case 'raiseFence':
      return { ...seen, fence: (await deps.index.raiseFence(request.layer, step.epoch)).epoch }
    case 'readHeadAgain': {
      const head = await deps.store.head(chain)
      return { ...seen, headAgain: { n: head?.n ?? 0, own: head?.nonce === nonce } }
    }
  }
}

function seenHead(chain: string, entry: ChainEntry): SeenHead {
  const record = readLayerRecord(chain, entry)
  return { n: entry.n, newestSnapshot: record.kind === 'snapshot' ? entry.n : record.lastSnapshot }
}

async function readSnapshot(layer: LayerId, n: number, deps: LeaseDeps): Promise<{ seen: SeenSnapshot; state: LayerState | undefined }> {
  const chain = chains.layer(layer)
  const [entry] = await deps.store.read(chain, n, 1)
  if (entry === undefined || entry.n !== n) {
    deps.log.error({ layer, n }, 'a snapshot is missing')
    return { seen: { n, outcome: 'missing', before: undefined }, state: undefined }
  }
  let before: number | undefined
  try {
    const record = readLayerRecord(chain, entry)
    before = record.lastSnapshot
    if (record.kind !== 'snapshot')
      throw new BailiwickError('StoreCorrupt', { asked: `snapshot ${n} of ${layer}`, found: `a record ${record.kind}` })
    return { seen: { n, outcome: 'whole', before }, state: await unpackSnapshot(layer, record.hash, entry.blob) }
  } catch (error) {
    deps.log.error({ layer, n, detail: describeError(error) }, 'a snapshot does not read back and is passed over')
    return { seen: { n, outcome: 'corrupt', before }, state: undefined }
  }
}

function lost(layer: LayerId, epoch: number): BailiwickError {
  return new BailiwickError('LayerLost', { asked: `layer ${layer} in epoch ${epoch}`, found: 'a record of another owner' })
}
