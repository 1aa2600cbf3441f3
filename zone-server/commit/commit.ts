import type { Timers } from '../../core/clock.ts'
import { describeError, isCode } from '../../core/errors.ts'
import type { ZoneIndex } from '../../core/ports/index-port.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { FENCE_LOOK_EVERY } from '../../core/timing.ts'
import { ChainWriter } from '../chain-writer.ts'
import type { Claimed } from '../claim.ts'
import type { Lease } from '../lease.ts'
import type { Packing } from '../packing.ts'
import { retrying } from '../retry.ts'
import { Takeover } from '../takeover.ts'
import { Trimming } from '../trimming.ts'
import type { JournalWriter } from './journal-writer.ts'
import { Kept } from './kept.ts'
import { Pipeline } from './pipeline.ts'
import { reclaim } from './reclaim.ts'

/** It is asked so often; past that it is an outage, and the first append behind it tells. */
const FENCE_ATTEMPTS = 10

export interface CommitDeps {
  readonly index: ZoneIndex
  readonly writer: JournalWriter
  readonly packing: Packing
  readonly timers: Timers
  readonly log: Log
  readonly signal: AbortSignal
  /** Everything up to this tick is in the chain now. */
  readonly onStored: (tick: number) => void
  /** A snapshot is in the store: how long it took to be packed and stored, in seconds, and its bytes. */
  readonly onSnapshot: (seconds: number, bytes: number) => void
  /** A new epoch was claimed from memory. */
  readonly onReclaimed: () => void
  /** A record could not be written; it is tried again with the next one. */
  readonly onFailed: (error: unknown) => void
  /** The layer is another's, or contradicts itself. */
  readonly onStop: (error: unknown) => void
}

/** What is written of a layer while it is served, and how its parts hang together: the journal, the chain, what is dropped of both, and new epochs. */
export class Commit {
  readonly kept = new Kept()
  readonly pipeline: Pipeline
  readonly chain: ChainWriter
  readonly trimming: Trimming
  readonly takeover: Takeover

  readonly #deps: CommitDeps
  readonly #lease: Lease
  /** When the index last answered for this layer, or began to be asked. */
  #heardAt: number

  constructor({ lease, state, entry, snapshot }: Claimed, snapshotEveryMs: number, deps: CommitDeps) {
    const { index, writer, packing, timers, log, signal, onStored, onReclaimed, onFailed, onStop } = deps
    const { kept } = this
    this.#deps = deps
    this.#lease = lease
    this.#heardAt = timers.now()
    const common = { lease, state, kept, log, timers, signal, index }
    this.takeover = new Takeover(lease.content)
    this.trimming = new Trimming(snapshot, {
      ...{ lease, log, signal, journal: index },
      onRefused: (refusal) => this.pipeline.refused(refusal),
    })
    const chain = new ChainWriter(snapshotEveryMs, entry, snapshot.tick, {
      ...{ ...common, packing, onStored },
      lastEntry: () => this.pipeline.last,
      isSettled: (tick) => this.pipeline.isSettled(tick),
      onSnapshot: (n, stored, seconds) => {
        deps.onSnapshot(seconds, stored.blob.byteLength)
        if (this.takeover.snapshotStored(stored.tick)) this.pipeline.renew()
        void this.trimming.behind(n, stored)
      },
      onFailed: (error) => (isCode(error, 'LayerLost', 'InvariantBroken') ? onStop(error) : onFailed(error)),
    })
    this.chain = chain
    this.pipeline = new Pipeline(entry, {
      ...{ ...common, writer, onStop },
      reclaim: (pending, stored) =>
        chain.exclusive(() => reclaim(pending, stored, this.takeover.content, { ...common, storeKept: () => chain.storeKept() })),
      onConfirmed: () => {
        this.#heardAt = timers.now()
        chain.look()
      },
      onReclaimed: () => {
        this.takeover.reopened(lease.content)
        onReclaimed()
      },
    })
  }

  /** Looks whether the index still has the layer's fence: an owner with nothing to write would not find out, and what it alone has would go with it. */
  async lookAtFence(): Promise<void> {
    const { index, log, timers, signal } = this.#deps
    const { layer } = this.#lease
    this.#heardAt = Number.POSITIVE_INFINITY
    try {
      const asked = { what: `the fence of ${layer}`, log, timers, signal, attempts: FENCE_ATTEMPTS }
      if (!(await retrying(() => index.hasFence(layer), asked))) this.pipeline.refused('Forked')
    } catch (error) {
      if (!signal.aborted) log.warn({ layer, detail: describeError(error) }, 'it is not known whether the index has the fence of a layer')
    } finally {
      this.#heardAt = timers.now()
    }
  }

  /** A tick was stepped; the content of its state. */
  stepped(tick: number, content: string): void {
    if (this.takeover.stepped(tick, content)) this.chain.wantSnapshot()
    // A replica without the last entries may have taken over: appends would tell, and there are none.
    const quiet = this.kept.newest !== undefined && this.pipeline.ahead === 0
    if (quiet && this.#deps.timers.now() - this.#heardAt >= FENCE_LOOK_EVERY) void this.lookAtFence()
  }
}
