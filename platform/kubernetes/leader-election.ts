import type { Clock } from '../../core/clock.ts'
import { describeError, isCode } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { LEASE_RENEW_DEADLINE, LEASE_RETRY_EVERY } from '../../core/timing.ts'
import { type Candidacy, type LeaseRecord, leads, newCandidacy, nextLease, observeLease, releasedLease, wroteLease } from './lease.ts'

/** Where the lease is kept. `write` throws KubernetesConflict when it is no longer the version that was read. */
export interface LeaseStore {
  read(): Promise<{ readonly record: LeaseRecord; readonly version: string } | undefined>
  /** No version: it must not exist yet. Answers the new version. */
  write(record: LeaseRecord, version: string | undefined): Promise<string>
}

export interface ElectionOptions {
  readonly store: LeaseStore
  /**
   * Unique among the processes that live: one that begins with the identity of the holder takes the lease at once, for that one must be over. A pod's name is such an identity. Its
   * container begins again only when the process before it has ended (kubelet runs one at a time), and no two pods of a Deployment have the same name, also not one that was deleted
   * by force and may live on: that one waits, and is waited for, as any other.
   */
  readonly identity: string
  /** Monotonic. */
  readonly clock: Clock
  readonly log: Log
  readonly random?: () => number
}

/** Competes for one lease. Once lost, a LeaderElection is over: what led must end, and the process start anew. */
export class LeaderElection {
  readonly #options: ElectionOptions
  readonly #acquired = Promise.withResolvers<void>()
  readonly #lost = Promise.withResolvers<void>()
  #candidacy: Candidacy = newCandidacy
  #version: string | undefined
  #led = false
  #over = false
  #timer: NodeJS.Timeout | undefined
  #deadline: NodeJS.Timeout | undefined
  #step: Promise<void> = Promise.resolve()

  constructor(options: ElectionOptions) {
    this.#options = options
  }

  /** Begins to compete. `acquired` resolves when this process leads, `lost` when it led and may no longer. Neither rejects. */
  start(): { readonly acquired: Promise<void>; readonly lost: Promise<void> } {
    this.#schedule(0)
    return { acquired: this.#acquired.promise, lost: this.#lost.promise }
  }

  get leading(): boolean {
    return !this.#over && leads(this.#candidacy, this.#options.clock.now())
  }

  /** Stops competing, and gives the lease back if it is held, so that another can lead at once. What led must have ended before. Never throws. */
  async release(): Promise<void> {
    const led = this.leading
    this.#end()
    await this.#step
    const { record } = this.#candidacy.seen ?? {}
    if (!led || record === undefined || record.holderIdentity !== this.#options.identity) return
    try {
      await this.#options.store.write(releasedLease(record, new Date().toISOString()), this.#version)
    } catch (error) {
      this.#options.log.warn({ error: describeError(error) }, 'lease: could not be given back, it will run out')
    }
  }

  #schedule(ms: number): void {
    if (this.#over) return
    this.#timer = setTimeout(() => {
      this.#step = this.#compete().then(() => this.#schedule(LEASE_RETRY_EVERY * (0.9 + 0.1 * (this.#options.random ?? Math.random)())))
    }, ms)
  }

  async #compete(): Promise<void> {
    const { store, identity, clock, log } = this.#options
    try {
      const found = await store.read()
      this.#version = found?.version
      this.#candidacy = observeLease(this.#candidacy, found?.record, clock.now())
      if (this.#led && found?.record.holderIdentity !== identity) {
        this.#lose('taken by somebody else')
        return
      }
      const begunAt = clock.now()
      const record = nextLease(this.#candidacy, identity, begunAt, new Date().toISOString())
      if (this.#over || record === undefined) return
      this.#version = await store.write(record, this.#version)
      if (this.#over) return
      this.#candidacy = wroteLease(record, begunAt)
      this.#lead()
    } catch (error) {
      // Another was faster: the next round sees who.
      if (!isCode(error, 'KubernetesConflict')) log.warn({ error: describeError(error) }, 'lease: not reached')
    }
  }

  #lead(): void {
    const { clock, identity, log } = this.#options
    clearTimeout(this.#deadline)
    const left = (this.#candidacy.renewedAt ?? 0) + LEASE_RENEW_DEADLINE - clock.now()
    this.#deadline = setTimeout(() => this.#lose('not renewed in time'), Math.max(0, left))
    if (this.#led) return
    this.#led = true
    log.info({ identity }, 'lease: leading')
    this.#acquired.resolve()
  }

  #lose(why: string): void {
    this.#options.log.error({ identity: this.#options.identity, why }, 'lease: no longer leading')
    this.#end()
    this.#lost.resolve()
  }

  #end(): void {
    this.#over = true
    clearTimeout(this.#timer)
    clearTimeout(this.#deadline)
  }
}
