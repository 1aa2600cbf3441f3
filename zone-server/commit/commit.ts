import type { Timers } from '../../core/clock.ts'
import { isCode } from '../../core/errors.ts'
import type { ZoneIndex } from '../../core/ports/index-port.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { ChainWriter } from '../chain-writer.ts'
import type { Claimed } from '../claim.ts'
import type { Packing } from '../packing.ts'
import { Takeover } from '../takeover.ts'
import { Trimming } from '../trimming.ts'
import type { JournalWriter } from './journal-writer.ts'
import { Kept } from './kept.ts'
import { Pipeline } from './pipeline.ts'
import { reclaim } from './reclaim.ts'

export interface CommitDeps {
  readonly index: ZoneIndex
  readonly writer: JournalWriter
  readonly packing: Packing
  readonly timers: Timers
  readonly log: Log
  readonly signal: AbortSignal
  /** Everything up to this tick is in the chain now. */
  readonly onStored: (tick: number) => void
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

  constructor({ lease, state, entry, snapshot }: Claimed, snapshotEveryMs: number, deps: CommitDeps) {
    const { index, writer, packing, timers, log, signal, onStored, onReclaimed, onFailed, onStop } = deps
    const { kept } = this
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
      onSnapshot: (n, stored) => {
        if (this.takeover.snapshotStored(stored.tick)) this.pipeline.renew()
        void this.trimming.behind(n, stored)
      },
      onFailed: (error) => (isCode(error, 'LayerLost', 'InvariantBroken') ? onStop(error) : onFailed(error)),
    })
    this.chain = chain
    this.pipeline = new Pipeline(entry, {
      ...{ ...common, writer, onStop },
      reclaim: (pending, confirmed) =>
        chain.exclusive(() => reclaim(pending, confirmed, this.takeover.content, { ...common, storeKept: () => chain.storeKept() })),
      onConfirmed: () => chain.look(),
      onReclaimed: () => {
        this.takeover.reopened(lease.content)
        onReclaimed()
      },
    })
  }

  /** A tick was stepped; the content of its state. */
  stepped(tick: number, content: string): void {
    if (this.takeover.stepped(tick, content)) this.chain.wantSnapshot()
  }
}
