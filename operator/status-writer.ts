import type { Clock } from '../core/clock.ts'
import { describeError, isCode } from '../core/errors.ts'
import type { ZoneId } from '../core/ids.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { ZoneSource } from '../core/ports/zone-source-port.ts'
import { STATUS_PLAYERS_EVERY, STATUS_WRITES_PER_SECOND } from '../core/timing.ts'
import type { ZoneStatus } from '../core/zone.ts'
import { backoff } from './backoff.ts'
import { Budget } from './budget.ts'
import { DueTimes } from './due-times.ts'
import { type Lead, leads } from './lead.ts'
import { compareStatus } from './status.ts'
import { eventsOf } from './status-events.ts'

export type WriteResult = 'done' | 'conflict' | 'gone' | 'failed'

export interface StatusWriterOptions extends Lead {
  readonly zones: ZoneSource
  /** One that never goes back. */
  readonly clock: Clock
  readonly log: Log
  /** The write was refused or failed: the zone is to be looked at again, after so long (ms). */
  readonly onRetry: (zone: ZoneId, afterMs: number) => void
  readonly perSecond?: number
  /** For jitter; default: Math.random. */
  readonly random?: () => number
  /** A write ended. */
  readonly onWrite?: (result: WriteResult) => void
}

/** How often the budget is looked at. */
const PUMP_EVERY = 20
/** Writes under way at once. */
const CONCURRENCY = 16

/**
 * Writes statuses within one budget over all zones: transitions first and at once, player counts at most every STATUS_PLAYERS_EVERY a zone. Only the newest
 * status of a zone waits, so that the queue is bounded by the number of zones.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions
  readonly #pending = new Map<ZoneId, ZoneStatus>()
  readonly #urgent = new Set<ZoneId>()
  readonly #players = new DueTimes()
  readonly #writtenAt = new Map<ZoneId, number>()
  /** Of its writes, in a row. */
  readonly #failures = new Map<ZoneId, number>()
  readonly #writing = new Set<ZoneId>()
  readonly #budget: Budget
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(options: StatusWriterOptions) {
    this.#options = options
    this.#budget = new Budget(options.perSecond ?? STATUS_WRITES_PER_SECOND)
  }

  get waiting(): number {
    return this.#pending.size
  }

  /** The status that the zone shall have; replaces one that still waits. Nothing is written when it has it already. */
  submit(zone: ZoneId, status: ZoneStatus): void {
    const change = compareStatus(this.#options.zones.get(zone)?.status, status)
    if (change === 'same' || this.#stopped) {
      this.forget(zone)
      return
    }
    this.#pending.set(zone, status)
    if (change === 'transition') this.#urgent.add(zone)
    else this.#players.add(zone, (this.#writtenAt.get(zone) ?? Number.NEGATIVE_INFINITY) + STATUS_PLAYERS_EVERY)
    this.#pump()
  }

  /** Nothing is to be written for the zone any more. */
  forget(zone: ZoneId): void {
    this.#pending.delete(zone)
    this.#urgent.delete(zone)
    this.#players.remove(zone)
  }

  /** The zone is gone. */
  drop(zone: ZoneId): void {
    this.forget(zone)
    this.#writtenAt.delete(zone)
    this.#failures.delete(zone)
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#pending.clear()
    this.#urgent.clear()
  }

  #pump(): void {
    clearTimeout(this.#timer)
    if (this.#stopped) return
    const now = this.#options.clock.now()
    const isFree = (): boolean => this.#writing.size < CONCURRENCY && this.#budget.waitAt(now) === 0
    for (const zone of this.#urgent) {
      if (!isFree()) break
      if (!this.#writing.has(zone)) this.#begin(zone)
    }
    // Only as many are looked at as can be written: ten thousand may be due.
    while (this.#urgent.size === 0 && isFree()) {
      const due = this.#players.shift(now) as ZoneId | undefined
      if (due === undefined) break
      if (this.#writing.has(due)) this.#players.add(due, now + PUMP_EVERY)
      else this.#begin(due)
    }
    if (this.#pending.size === 0) return
    const due = this.#urgent.size > 0 ? now : (this.#players.next ?? now)
    const wait = Math.max(PUMP_EVERY, due - now, this.#budget.waitAt(now))
    // A write that ends looks again.
    if (wait < Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.#pump(), wait)
  }

  #begin(zone: ZoneId): void {
    const status = this.#pending.get(zone)
    this.forget(zone)
    if (status === undefined || !leads(this.#options)) return
    this.#budget.begin()
    this.#writing.add(zone)
    void this.#write(zone, status).finally(() => {
      this.#budget.end(this.#options.clock.now())
      this.#writing.delete(zone)
      this.#pump()
    })
  }

  async #write(id: ZoneId, status: ZoneStatus): Promise<void> {
    const { zones, clock, onRetry, onWrite } = this.#options
    const zone = zones.get(id)
    if (zone === undefined) return
    const before = zone.status
    try {
      await zones.writeStatus(zone, status)
      this.#writtenAt.set(id, clock.now())
      this.#failures.delete(id)
      onWrite?.('done')
      for (const event of eventsOf(before, status)) zones.event(zone, event)
    } catch (error) {
      onWrite?.(resultOf(error))
      if (isCode(error, 'NotFound')) return
      if (isCode(error, 'KubernetesConflict')) {
        await this.#refresh(id)
        onRetry(id, 0)
      } else onRetry(id, this.#failed(id, error))
    }
  }

  /** After how long (ms) the zone is to be looked at again: what is refused once is refused again, and must not use up what others need. */
  #failed(id: ZoneId, error: unknown): number {
    const { log, random = Math.random } = this.#options
    const failures = (this.#failures.get(id) ?? 0) + 1
    this.#failures.set(id, failures)
    const fields = { zone: id, failures, error: describeError(error) }
    // Said once for each zone and outage.
    if (failures === 1) log.warn(fields, 'status: not written, tried again ever more rarely')
    else log.debug(fields, 'status: still not written')
    return backoff(failures, random())
  }

  /** Somebody else changed the zone and the watch has not said so yet. */
  async #refresh(id: ZoneId): Promise<void> {
    try {
      await this.#options.zones.refresh(id)
    } catch (error) {
      this.#options.log.debug({ zone: id, error: describeError(error) }, 'status: the zone could not be read anew')
    }
  }
}

function resultOf(error: unknown): WriteResult {
  if (isCode(error, 'NotFound')) return 'gone'
  return isCode(error, 'KubernetesConflict') ? 'conflict' : 'failed'
}
