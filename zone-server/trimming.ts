import { describeError } from '../core/errors.ts'
import type { Journal } from '../core/ports/journal-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { Lease } from './lease.ts'
import type { PackedSnapshot } from './snapshot-file.ts'

export interface TrimmingDeps {
  readonly lease: Lease
  readonly journal: Pick<Journal, 'trimJournal'>
  readonly log: Log
  /** Aborts when the layer is over. */
  readonly signal: AbortSignal
  /** The index refused: it does not know the fence any more, or another owner's is above it. */
  readonly onRefused: (refusal: 'Fenced' | 'Forked') => void
}

interface Verified {
  readonly n: number
  readonly tick: number
}

/** Drops what recovery needs no longer: chain and journal behind the second-newest snapshot that was read back. */
export class Trimming {
  readonly #deps: TrimmingDeps
  /** The newest two that were read back: older, newer. */
  #verified: readonly Verified[]
  #underWay: Promise<void> | undefined

  /** `recovered`: the snapshot that the layer was recovered from, which was read back then. */
  constructor(recovered: Verified, deps: TrimmingDeps) {
    this.#deps = deps
    this.#verified = [recovered]
  }

  /** A snapshot was stored: it is read back, and what is behind the one before it is dropped. What fails here is only logged: it is done again with the next one. */
  behind(n: number, snapshot: PackedSnapshot): Promise<void> {
    this.#underWay ??= this.#behind(n, snapshot).finally(() => {
      this.#underWay = undefined
    })
    return this.#underWay
  }

  /**
   * The last snapshot of a layer that closes was stored: it is read back, and the journal is not needed any more. Nothing is under way when this is over. Throws when
   * it does not read back.
   */
  async end(n: number, snapshot: PackedSnapshot): Promise<void> {
    const { lease, log } = this.#deps
    await this.#underWay
    await this.#verify(n, snapshot)
    try {
      await this.#drop(this.#verified[0]?.n ?? n, snapshot.tick)
    } catch (error) {
      log.warn({ layer: lease.layer, detail: describeError(error) }, 'what a closed layer needs no longer was not dropped')
    }
  }

  async #behind(n: number, snapshot: PackedSnapshot): Promise<void> {
    const { lease, log, signal } = this.#deps
    try {
      await this.#verify(n, snapshot)
      const [older] = this.#verified
      if (older !== undefined) await this.#drop(older.n, older.tick)
    } catch (error) {
      // What is behind a layer that was lost is its successor's to drop.
      if (signal.aborted) return
      log.error({ layer: lease.layer, n, detail: describeError(error) }, 'a snapshot was not read back, or what is behind it not dropped')
    }
  }

  async #verify(n: number, snapshot: PackedSnapshot): Promise<void> {
    if (this.#verified.at(-1)?.n === n) return
    await this.#deps.lease.verify(n, snapshot)
    this.#verified = [...this.#verified.slice(-1), { n, tick: snapshot.tick }]
  }

  async #drop(below: number, through: number): Promise<void> {
    const { lease, journal, onRefused } = this.#deps
    await lease.prune(below)
    const { fence } = lease
    const answer = await journal.trimJournal(lease.layer, fence, through)
    // A refusal of an earlier epoch's fence is no news, nor is one by our own next fence, of which we only await the answer.
    if (answer !== 'Done' && fence === lease.fence && fence.epoch === lease.epoch) onRefused(answer)
  }
}
