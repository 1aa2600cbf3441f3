import { performance } from 'node:perf_hooks'
import type { Timers } from '../core/clock.ts'
import type { Log } from '../core/ports/log-port.ts'
import { KEPT_STORED_AT } from './bounds.ts'
import type { Kept } from './commit/kept.ts'
import { decideWrite, type Write } from './decide-write.ts'
import { invariant } from './invariant.ts'
import type { Lease } from './lease.ts'
import type { Packing } from './packing.ts'
import type { LayerState } from './simulation/state.ts'
import { captureState, type PackedSnapshot, packSnapshot } from './snapshot-file.ts'
import { SnapshotMemory } from './snapshot-memory.ts'

export interface ChainWriterDeps {
  readonly lease: Lease
  readonly state: LayerState
  readonly kept: Kept
  readonly packing: Packing
  readonly timers: Timers
  readonly log: Log
  readonly signal: AbortSignal
  /** The tick of the newest journal entry in the state. */
  readonly lastEntry: () => number
  /** True when everything up to this tick is confirmed. */
  readonly isSettled: (tick: number) => boolean
  /** Everything up to this tick is in the chain now. */
  readonly onStored: (tick: number) => void
  /** A snapshot is in the chain; so many seconds after its writing began. */
  readonly onSnapshot: (n: number, snapshot: PackedSnapshot, seconds: number) => void
  /** The lease is lost, or what is written does not fit the store. */
  readonly onFailed: (error: unknown) => void
}

interface Captured {
  readonly tick: number
  readonly entry: number
  readonly packed: Promise<PackedSnapshot>
}

/** How fast the measure of a tick's cost follows the last ticks. */
const COST_WEIGHT = 0.05

/** Writes a layer's chain while it is served: snapshots regularly, segments when somebody waits for one; never two records at a time, and confirmed ticks only. */
export class ChainWriter {
  readonly #deps: ChainWriterDeps
  readonly #memory = new SnapshotMemory()
  #everyMs: number
  #durable: number
  #captured: Captured | undefined
  #capturedAt: number
  #capturedEntry: number
  #writtenAt: number
  /** A successor replays from this tick on. */
  #snapshotTick: number
  #wanted = 0
  #snapshotWanted = false
  /** What a tick costs, ms. */
  #cost = 0
  #writing: Promise<void> | undefined
  #last: { readonly tick: number; readonly done: PromiseWithResolvers<{ n: number; snapshot: PackedSnapshot }> } | undefined

  /** `entry`: the tick of the newest journal entry in the state, which the chain holds up to there. */
  constructor(everyMs: number, entry: number, snapshotTick: number, deps: ChainWriterDeps) {
    this.#deps = deps
    this.#everyMs = everyMs
    this.#durable = deps.state.tick
    this.#capturedAt = deps.timers.now()
    this.#capturedEntry = entry
    this.#writtenAt = Number.NEGATIVE_INFINITY
    this.#snapshotTick = snapshotTick
  }

  setInterval(everyMs: number): void {
    this.#everyMs = everyMs
  }

  /** The chain holds everything up to this tick. */
  get durable(): number {
    return this.#durable
  }

  /** Somebody waits for this tick to be in the chain: a segment is written soon after it is confirmed. */
  want(tick: number): void {
    this.#wanted = Math.max(this.#wanted, tick)
  }

  /** A snapshot of the state as it is after the present tick is to be written. */
  wantSnapshot(): void {
    this.#snapshotWanted = true
  }

  /** After a tick, which took so long. */
  afterTick(costMs: number): void {
    this.#cost += (Math.max(0, costMs) - this.#cost) * COST_WEIGHT
    this.look()
  }

  /** Looks whether something is due. */
  look(): void {
    if (this.#writing !== undefined || this.#deps.signal.aborted) return
    let next = this.#decide()
    if (next === 'capture') {
      this.#capture()
      next = this.#decide()
    }
    if (next === 'snapshot' || next === 'segment') this.#begin(next === 'segment' ? this.#segment() : this.#snapshot())
  }

  /** Writes a last snapshot of the state, in which nothing may change any more, and answers it. */
  last(): Promise<{ readonly n: number; readonly snapshot: PackedSnapshot }> {
    this.#deps.signal.throwIfAborted()
    const done = Promise.withResolvers<{ n: number; snapshot: PackedSnapshot }>()
    this.#last = { tick: this.#deps.state.tick, done }
    this.#deps.signal.addEventListener('abort', () => done.reject(this.#deps.signal.reason), { once: true })
    this.#capture()
    this.look()
    return done.promise
  }

  /** Does other work on the chain while nothing else is written. */
  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    while (this.#writing !== undefined) await this.#writing
    const mine = work()
    this.#hold(mine.then(() => undefined))
    return mine
  }

  /** Writes everything kept into the chain; only within `exclusive`. */
  async storeKept(): Promise<void> {
    // It is older than what is written now, and must not come behind it.
    if (this.#captured !== undefined) this.#snapshotWanted = true
    this.#captured = undefined
    while (this.#deps.kept.newest !== undefined) await this.#segment()
  }

  #decide(): Write {
    const { timers, kept, isSettled, lastEntry, state } = this.#deps
    const captured = this.#captured === undefined ? 'none' : isSettled(this.#captured.tick) ? 'confirmed' : 'unconfirmed'
    return decideWrite({
      now: timers.now(),
      capturedAt: this.#capturedAt,
      writtenAt: this.#writtenAt,
      everyMs: this.#everyMs,
      captured,
      changed: lastEntry() !== this.#capturedEntry,
      replayMs: this.#cost * (state.tick - this.#snapshotTick),
      snapshotWanted: this.#snapshotWanted,
      wanted: this.#wanted,
      keptTick: kept.newest ?? 0,
      keptBytes: kept.bytes,
      durable: this.#durable,
    })
  }

  #capture(): void {
    const { state, lastEntry, timers, packing } = this.#deps
    const entry = lastEntry()
    const captured = captureState(state, entry, (length) => this.#memory.take(length))
    const packed = packSnapshot(captured, packing).finally(() => this.#memory.giveBack(captured.bytes))
    // A failure is met where it is written.
    packed.catch(() => undefined)
    this.#captured = { tick: state.tick, entry, packed }
    this.#capturedAt = timers.now()
    this.#capturedEntry = entry
    this.#snapshotWanted = false
  }

  async #snapshot(): Promise<void> {
    const { lease, signal, isSettled, onSnapshot } = this.#deps
    const captured = this.#captured
    this.#captured = undefined
    if (captured === undefined) return
    invariant(isSettled(captured.tick), 'snapshots hold confirmed ticks only', `tick ${captured.tick} is not confirmed`)
    invariant(captured.tick >= this.#durable, 'records follow each other', `a snapshot of ${captured.tick} behind ${this.#durable}`)
    const began = performance.now()
    const snapshot = await captured.packed
    const n = await lease.snapshot(snapshot, signal)
    this.#snapshotTick = captured.tick
    this.#stored(captured.tick)
    onSnapshot(n, snapshot, (performance.now() - began) / 1_000)
    if (this.#last?.tick === captured.tick) this.#last.done.resolve({ n, snapshot })
  }

  async #segment(): Promise<void> {
    const { lease, signal, kept } = this.#deps
    const entries = kept.oldest(KEPT_STORED_AT)
    const to = entries.at(-1)?.tick ?? 0
    await lease.segment(entries, to === kept.newest, signal)
    this.#stored(to)
  }

  #stored(tick: number): void {
    this.#deps.kept.dropThrough(tick)
    this.#durable = Math.max(this.#durable, tick)
    this.#deps.onStored(this.#durable)
  }

  #begin(work: Promise<void>): void {
    this.#writtenAt = this.#deps.timers.now()
    this.#hold(
      work.catch((error: unknown) => {
        if (this.#deps.signal.aborted) return
        this.#last?.done.reject(error)
        this.#deps.onFailed(error)
      }),
    )
  }

  /** Nothing else is written until the work is over. */
  #hold(work: Promise<void>): void {
    const writing = work
      .catch(() => undefined)
      .finally(() => {
        this.#writing = undefined
        this.look()
      })
      // Nobody awaits this look.
      .catch((error: unknown) => this.#deps.onFailed(error))
    this.#writing = writing
  }
}
