import type { Timers } from '../../core/clock.ts'
import { BailiwickError, describeError, isCode } from '../../core/errors.ts'
import type { AppendAnswer, Fence, FenceRefusal } from '../../core/ports/journal-port.ts'
import { MAX_BATCH } from '../../core/ports/journal-port.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { JOURNAL_RETRY_MAX, JOURNAL_RETRY_MIN } from '../../core/timing.ts'
import { invariant } from '../invariant.ts'
import type { Lease } from '../lease.ts'
import { jittered } from '../retry.ts'
import { beginning, type CommitAction, type CommitEvent, type CommitState, decideCommit } from './decide-commit.ts'
import type { JournalWriter } from './journal-writer.ts'
import type { Kept } from './kept.ts'

/** A tick that was stepped and must be confirmed before anything of it leaves. */
export interface StagedTick {
  readonly tick: number
  readonly batch: Uint8Array
  /** The hash of the state after it. */
  readonly digest: string
  /** Lets out what the tick shows and says. Called once, when it is confirmed, with the epoch that confirmed it. */
  readonly leave: (epoch: number) => void
}

/** A staged tick and the one before it. */
export type LinkedTick = StagedTick & { readonly previous: number }

export interface ReclaimOutcome {
  /** So many of the pending ticks were found in the journal, and the chain holds them. */
  readonly found: number
  /** The index forgot the fence once more: the epoch can't go on. */
  readonly forked: boolean
}

export interface PipelineDeps {
  readonly lease: Lease
  readonly writer: JournalWriter
  readonly kept: Kept
  readonly timers: Timers
  readonly log: Log
  readonly signal: AbortSignal
  /** Claims a new epoch from memory, see reclaim.ts. */
  readonly reclaim: (pending: readonly LinkedTick[], stored: number) => Promise<ReclaimOutcome>
  /** More ticks are confirmed. */
  readonly onConfirmed: () => void
  /** A new epoch is ours. */
  readonly onReclaimed: () => void
  /** The layer is another's, or contradicts itself. */
  readonly onStop: (error: unknown) => void
}

/** Brings ticks into the journal, one after the other, and lets out what they say when they are there. */
export class Pipeline {
  readonly #deps: PipelineDeps
  #state: CommitState = beginning
  #staged: LinkedTick[] = []
  /** The tick of the newest entry in the journal. */
  #confirmed: number
  /** The tick of the newest entry, in the journal or on its way. */
  #last: number
  /** Up to this tick a new epoch found waiting entries in the journal, and stored them. */
  #found = 0
  /** The ticks whose appends are under way or were answered last. */
  #asked: { readonly from: number; readonly to: number; readonly fence: Fence } | undefined

  constructor(entry: number, deps: PipelineDeps) {
    this.#deps = deps
    this.#confirmed = entry
    this.#last = entry
  }

  /** Ticks that wait for their confirmation. */
  get ahead(): number {
    return this.#staged.length
  }

  /** The tick of the newest entry, confirmed or not. */
  get last(): number {
    return this.#last
  }

  /** True when everything up to this stepped tick is confirmed or had nothing to confirm. */
  isSettled(tick: number): boolean {
    return (this.#staged[0]?.tick ?? Number.POSITIVE_INFINITY) > tick
  }

  stage(tick: StagedTick): void {
    invariant(tick.tick > this.#last, 'ticks are staged in order', `tick ${tick.tick} behind ${this.#last}`)
    invariant(tick.batch.byteLength <= MAX_BATCH, 'a batch fits into the journal', `${tick.batch.byteLength} bytes at tick ${tick.tick}`)
    this.#staged.push({ ...tick, previous: this.#last })
    this.#last = tick.tick
    this.#on({ is: 'stepped', tick: tick.tick })
  }

  /** The index refused another call of this epoch: it does not know the fence any more, or there is one above it. */
  refused(refusal: FenceRefusal): void {
    const { signal, lease, onStop } = this.#deps
    if (refusal === 'Forked') this.#on({ is: 'forked' })
    else if (!signal.aborted)
      onStop(new BailiwickError('LayerLost', { asked: `layer ${lease.layer} in epoch ${lease.epoch}`, found: 'a fence above it' }))
  }

  /** The layer is to go on in a new epoch. */
  renew(): void {
    this.#on({ is: 'renew' })
  }

  #on(event: CommitEvent): void {
    if (this.#deps.signal.aborted) return
    try {
      const { state, actions } = decideCommit(this.#state, event)
      this.#state = state
      for (const action of actions) this.#do(action)
    } catch (error) {
      this.#deps.onStop(error)
    }
  }

  #do(action: CommitAction): void {
    const { timers, lease, signal, onStop } = this.#deps
    switch (action.do) {
      case 'append':
        this.#append(action.ticks)
        break
      case 'rest': {
        const wait = Math.min(JOURNAL_RETRY_MIN * 2 ** (action.failures - 1), JOURNAL_RETRY_MAX)
        const cancel = timers.after(jittered(wait, timers), () => {
          signal.removeEventListener('abort', cancel)
          this.#on({ is: 'rested' })
        })
        signal.addEventListener('abort', cancel, { once: true })
        break
      }
      case 'confirm':
        for (const tick of action.ticks) this.#confirm(tick)
        this.#deps.onConfirmed()
        break
      case 'reclaim':
        this.#reclaim()
        break
      case 'stop':
        onStop(new BailiwickError('LayerLost', { asked: `layer ${lease.layer} in epoch ${lease.epoch}`, found: action.reason }))
    }
  }

  #append(ticks: readonly number[]): void {
    const { lease, writer } = this.#deps
    const staged = this.#staged.slice(0, ticks.length)
    const [first] = staged
    const last = staged.at(-1)
    invariant(
      first !== undefined && last !== undefined && first.tick === ticks[0] && last.tick === ticks.at(-1),
      'ticks are confirmed in order',
      `ticks ${ticks.join(', ')} asked for, ${first?.tick} is the oldest`,
    )
    const { layer, epoch, fence } = lease
    this.#asked = { from: first.tick, to: last.tick, fence }
    const appends = staged.map(({ tick, previous, batch, digest }) => ({ layer, epoch, fence, tick, previous, batch, digest }))
    writer.append(appends).then(
      (answers) => this.#answered(answers),
      (error: unknown) => this.#unanswered(first.tick, error),
    )
  }

  #answered(answers: readonly AppendAnswer[]): void {
    const { lease, log } = this.#deps
    const refused = answers.findIndex((answer) => answer !== 'Done')
    const tick = this.#staged[refused]?.tick
    if (tick !== undefined)
      log.warn({ layer: lease.layer, epoch: lease.epoch, tick, answer: answers[refused] }, 'the journal refused a tick')
    this.#on({ is: 'answered', answers })
  }

  #unanswered(tick: number, error: unknown): void {
    const { lease, log, onStop } = this.#deps
    if (!isCode(error, 'IndexUnavailable')) {
      onStop(error)
      return
    }
    if (this.#state.failures === 0)
      log.warn({ layer: lease.layer, tick, detail: describeError(error) }, 'the journal did not answer an append')
    this.#on({ is: 'unanswered' })
  }

  /** The promise: what a tick says leaves only when its entry is in the journal, under the fence of the epoch that it leaves with. */
  #confirm(tick: number): void {
    const { lease, kept } = this.#deps
    const staged = this.#staged.shift()
    invariant(staged?.tick === tick && tick > this.#confirmed, 'ticks are confirmed in order', `${tick}, ${staged?.tick} is the oldest`)
    const { previous, batch, digest } = staged
    if (tick > this.#found) {
      const asked = this.#asked
      invariant(
        asked !== undefined && asked.from <= tick && tick <= asked.to && asked.fence === lease.fence,
        'what leaves was confirmed under the fence of its epoch',
        `tick ${tick}; asked for ${asked?.from} to ${asked?.to} in epoch ${asked?.fence.epoch}, now ${lease.epoch}`,
      )
      kept.add({ epoch: lease.epoch, tick, previous, batch, digest })
    }
    this.#confirmed = tick
    staged.leave(lease.epoch)
  }

  #reclaim(): void {
    this.#asked = undefined
    // What an epoch found that was forked in its turn: it waits for one that begins, and is not looked for again.
    const found = this.#staged.filter(({ tick }) => tick <= this.#found).length
    this.#deps.reclaim(this.#staged.slice(found), Math.max(this.#confirmed, this.#found)).then(
      (outcome) => {
        if (this.#deps.signal.aborted) return
        const confirmed = found + outcome.found
        this.#found = this.#staged[confirmed - 1]?.tick ?? this.#found
        if (!outcome.forked) this.#deps.onReclaimed()
        this.#on(outcome.forked ? { is: 'forkedAgain' } : { is: 'reclaimed', confirmed })
      },
      (error: unknown) => {
        if (!this.#deps.signal.aborted) this.#deps.onStop(error)
      },
    )
  }
}
