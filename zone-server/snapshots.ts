import type { Clock } from '../core/clock.ts'
import { describeError } from '../core/errors.ts'
import type { Log } from '../core/ports/log-port.ts'
import { CHECK_IN_EVERY } from '../core/timing.ts'
import type { Lease } from './lease.ts'
import type { LayerState } from './simulation/state.ts'
import { packSnapshot } from './snapshot-file.ts'

export interface SnapshotsDeps {
  readonly lease: Lease
  readonly state: LayerState
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
  /** Everything up to this tick is durable now. */
  readonly onStored: (tick: number) => void
  /** The lease is lost, or what is written does not fit the store. */
  readonly onFailed: (error: unknown) => void
}

/** Writes a layer's snapshots: regularly, and soon when somebody waits for one; never two at a time. */
export class Snapshots {
  readonly #deps: SnapshotsDeps
  #everyMs: number
  #startedAt: number
  #storedTick: number
  #wanted = false
  #writing: Promise<void> | undefined
  /** The newest two that were read back: [older, newer]. */
  #verified: readonly number[] = []
  #verifiedAt: number

  constructor(everyMs: number, storedTick: number, deps: SnapshotsDeps) {
    this.#deps = deps
    this.#everyMs = everyMs
    this.#startedAt = deps.clock.now()
    this.#verifiedAt = this.#startedAt
    this.#storedTick = storedTick
  }

  setInterval(everyMs: number): void {
    this.#everyMs = everyMs
  }

  /** The tick of the newest stored snapshot. */
  get storedTick(): number {
    return this.#storedTick
  }

  /** Somebody waits for a snapshot: one is written soon, CHECK_IN_EVERY after the last at the earliest. */
  want(): void {
    this.#wanted = true
  }

  /** Looks, after a tick, whether one is due. */
  afterTick(): void {
    if (this.#writing !== undefined) return
    const waited = this.#deps.clock.now() - this.#startedAt
    // A clock that was set back must not put snapshots off.
    const due = (this.#wanted && waited >= CHECK_IN_EVERY) || waited >= this.#everyMs || waited < 0
    if (due && this.#deps.state.tick > this.#storedTick) this.#begin()
  }

  /** Writes a last one, of the state as it is now. Throws LayerLost or the signal's reason. */
  async last(): Promise<void> {
    await this.#writing
    await this.#write()
  }

  #begin(): void {
    this.#wanted = false
    this.#startedAt = this.#deps.clock.now()
    this.#writing = this.#write()
      .catch((error: unknown) => {
        if (!this.#deps.signal.aborted) this.#deps.onFailed(error)
      })
      .finally(() => {
        this.#writing = undefined
      })
  }

  async #write(): Promise<void> {
    const { lease, state, signal } = this.#deps
    const packed = await packSnapshot(state)
    const n = await lease.snapshot(packed, signal)
    this.#storedTick = packed.tick
    this.#deps.onStored(packed.tick)
    await this.#trim(n, packed.hash)
  }

  /** Reads one back now and then, and drops what is behind the second-newest that was. What fails here is only logged: it is done again with the next one. */
  async #trim(n: number, hash: string): Promise<void> {
    const { lease, clock, log } = this.#deps
    const waited = clock.now() - this.#verifiedAt
    if (this.#verified.length > 0 && waited >= 0 && waited < this.#everyMs) return
    this.#verifiedAt = clock.now()
    try {
      await lease.verify(n, hash)
      this.#verified = [...this.#verified.slice(-1), n]
      const [older] = this.#verified
      if (this.#verified.length === 2 && older !== undefined) await lease.prune(older)
    } catch (error) {
      log.error({ layer: lease.layer, n, detail: describeError(error) }, 'a snapshot was not read back or the chain not pruned')
    }
  }
}
