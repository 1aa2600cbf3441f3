import { randomUUID } from 'node:crypto'
import { chains, type LayerRecord } from '../core/chains.ts'
import type { Timers } from '../core/clock.ts'
import { BailiwickError } from '../core/errors.ts'
import type { LayerId } from '../core/ids.ts'
import { storedLayerRecord } from '../core/layer-record.ts'
import type { ZoneIndex } from '../core/ports/index-port.ts'
import type { Fence, JournalEntry } from '../core/ports/journal-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { Store } from '../core/ports/store-port.ts'
import { invariant } from './invariant.ts'
import type { Packing } from './packing.ts'
import { retrying } from './retry.ts'
import { encodeSegment } from './segment-file.ts'
import { SIMULATION_VERSION } from './simulation/step.ts'
import type { PackedSnapshot } from './snapshot-file.ts'

export interface LeaseDeps {
  readonly store: Store
  readonly index: ZoneIndex
  readonly log: Log
  readonly timers: Timers
  readonly packing: Packing
}

/** What a host claimed, and how it stands in the chain. */
export interface LeaseStart {
  readonly layer: LayerId
  readonly generation: number
  readonly host: string
  /** The hash of the zone's content. */
  readonly content: string
  readonly epoch: number
  /** Of the `open` that is the head of the chain. */
  readonly nonce: string
  readonly fence: Fence
  /** The newest whole snapshot; 0: none. */
  readonly lastSnapshot: number
  /** The newest record that says that everything before it was erased; 0: none. */
  readonly erasedAt: number
}

/**
 * The right to write one layer's chain. Numbers are counted here and never looked up: whoever finds the next one taken is no longer the owner, and every method then
 * throws LayerLost, for good. Calls are done one after another.
 */
export class Lease {
  readonly layer: LayerId
  readonly #chain: string
  readonly #deps: LeaseDeps
  readonly #open: { readonly generation: number; readonly host: string }
  #content: string
  #epoch: number
  #fence: Fence
  #next: number
  readonly #erasedAt: number
  #lastSnapshot: number
  #lost = false
  #nonce: string
  #tail: Promise<unknown> = Promise.resolve()

  constructor({ layer, generation, host, content, epoch, nonce, fence, lastSnapshot, erasedAt }: LeaseStart, deps: LeaseDeps) {
    this.layer = layer
    this.#chain = chains.layer(layer)
    this.#deps = deps
    this.#open = { generation, host }
    this.#content = content
    this.#epoch = epoch
    this.#nonce = nonce
    this.#fence = fence
    this.#next = epoch + 1
    this.#lastSnapshot = lastSnapshot
    this.#erasedAt = erasedAt
  }

  get epoch(): number {
    return this.#epoch
  }

  /** The fence that this epoch was raised under. */
  get fence(): Fence {
    return this.#fence
  }

  get content(): string {
    return this.#content
  }

  /** Appends a snapshot, for as long as the store is away or until the signal aborts. Answers its number. */
  async snapshot({ tick, entry, digest, hash, blob }: PackedSnapshot, signal: AbortSignal): Promise<number> {
    const record = (): LayerRecord => ({
      ...{ kind: 'snapshot', epoch: this.#epoch, code: SIMULATION_VERSION, content: this.#content },
      ...{ tick, entry, digest, hash, ...this.#pointers },
    })
    const n = await this.#append(record, blob, signal)
    this.#lastSnapshot = n
    return n
  }

  /**
   * Appends journal entries, in order. `whole`: the chain then holds everything that was confirmed before. A part of it is written as of the epoch of its entries: in a new
   * epoch's name it would say that what the journal still has of the older one does not count.
   */
  async segment(entries: readonly JournalEntry[], whole: boolean, signal: AbortSignal): Promise<void> {
    const [first] = entries
    const last = entries.at(-1)
    if (first === undefined || last === undefined) return
    const { hash, blob } = await this.#deps.packing.pack(encodeSegment(entries))
    const range = { from: first.previous, to: last.tick }
    await this.#append(
      () => ({ kind: 'segment', epoch: whole ? this.#epoch : last.epoch, ...range, hash, ...this.#pointers }),
      blob,
      signal,
    )
  }

  /** Appends the end of this epoch. */
  async close(tick: number, signal: AbortSignal): Promise<void> {
    await this.#append(() => ({ kind: 'close', epoch: this.#epoch, tick, ...this.#pointers }), undefined, signal)
  }

  /** Claims a new epoch of the same layer, from memory: `open`, fence, head again. What is written from now on is of that epoch. */
  async reopen(content: string, signal: AbortSignal): Promise<void> {
    const { index, log, timers } = this.#deps
    const { host, generation } = this.#open
    const options = { what: `a new epoch of ${this.layer}`, log, timers, signal }
    const open = (): LayerRecord => ({
      ...{ kind: 'open', host, generation, code: SIMULATION_VERSION, content, ...this.#pointers },
    })
    const epoch = await this.#append(open, undefined, signal)
    invariant(epoch > this.#epoch, 'epochs grow', `epoch ${epoch} behind ${this.#epoch}`)
    this.#epoch = epoch
    this.#content = content
    this.#fence = await retrying(() => index.raiseFence(this.layer, epoch), options)
    if (this.#fence.epoch > epoch) await this.#inTurn(async () => this.#lose())
    await retrying(() => this.check(), options)
  }

  /** Reads the head of the chain. Throws LayerLost when it is not what this lease wrote last. */
  check(): Promise<void> {
    return this.#inTurn(async () => {
      const head = await this.#deps.store.head(this.#chain)
      if (head?.n !== this.#next - 1 || head.nonce !== this.#nonce) this.#lose()
    })
  }

  /** Reads a snapshot back. Throws StoreCorrupt when it is not, byte for byte, what was written, or does not unpack to what was packed. */
  async verify(n: number, { hash, blob }: Pick<PackedSnapshot, 'hash' | 'blob'>): Promise<void> {
    const [entry] = await this.#deps.store.read(this.#chain, n, 1)
    const asked = `snapshot ${n} of ${this.layer}`
    const read = entry?.n === n ? entry.blob : undefined
    if (read === undefined || Buffer.compare(read, blob) !== 0) {
      const found = read === undefined ? 'a record without bytes' : 'other bytes'
      throw new BailiwickError('StoreCorrupt', { asked, found })
    }
    await this.#deps.packing.check(asked, hash, read)
  }

  async prune(below: number): Promise<void> {
    await this.#deps.store.prune(this.#chain, below)
  }

  get #pointers(): { readonly lastSnapshot: number; readonly erasedAt: number } {
    return { lastSnapshot: this.#lastSnapshot, erasedAt: this.#erasedAt }
  }

  #append(record: () => LayerRecord, blob: Uint8Array | undefined, signal: AbortSignal): Promise<number> {
    const { store, log, timers } = this.#deps
    return this.#inTurn(async () => {
      const n = this.#next
      const nonce = randomUUID()
      const stored = { ...storedLayerRecord(record()), ...(blob === undefined ? {} : { blob }) }
      const append = (): Promise<'Done' | 'Conflict'> => store.append(this.#chain, n, nonce, stored)
      if ((await retrying(append, { what: `${stored.kind} of ${this.layer}`, log, timers, signal })) === 'Conflict') this.#lose()
      this.#next = n + 1
      this.#nonce = nonce
      return n
    })
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#tail.then(() => {
      if (this.#lost) this.#lose()
      return work()
    })
    this.#tail = mine.catch(() => undefined)
    return mine
  }

  #lose(): never {
    this.#lost = true
    throw new BailiwickError('LayerLost', { asked: `layer ${this.layer} in epoch ${this.#epoch}`, found: 'a record of another owner' })
  }
}
