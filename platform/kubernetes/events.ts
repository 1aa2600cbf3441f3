import { createHash } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { describeError, isCode } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { ZoneEvent } from '../../core/ports/zone-source-port.ts'
import { EVENT_REPEAT_AFTER } from '../../core/timing.ts'
import type { KubernetesClient } from './client.ts'
import type { KubernetesObject } from './objects.ts'

const COMPONENT = 'bailiwick-operator'
const MAX_MESSAGE = 1_000
/** Of all objects together; what is more is dropped. */
const PER_SECOND = 10
const BURST = 100
/** Of the burst: what a crowd that comes and goes in thousands of zones says leaves so much for what somebody has to look into. */
const FOR_WARNINGS = 30
/** So many different events are remembered for counting. */
const MAX_REMEMBERED = 5_000

interface Remembered {
  readonly count: number
  /** When it was last written; -Infinity: never, for lack of budget. */
  readonly writtenAt: number
  /** When it was first seen, for people. */
  readonly first: string
}

/**
 * Writes Events about objects. The same event about the same object is one Event whose count rises, written at most every EVENT_REPEAT_AFTER; all together
 * are held to a budget, of which a part is for warnings alone. An Event is a courtesy: one that can't be written is logged and forgotten.
 */
export class EventWriter {
  readonly #client: KubernetesClient
  readonly #clock: Clock
  readonly #log: Log
  readonly #remembered = new Map<string, Remembered>()
  #budget = BURST
  #refilledAt: number

  constructor(client: KubernetesClient, clock: Clock, log: Log) {
    this.#client = client
    this.#clock = clock
    this.#log = log
    this.#refilledAt = clock.now()
  }

  write(about: KubernetesObject, event: ZoneEvent): void {
    const now = this.#clock.now()
    const name = eventName(about, event)
    const known = this.#remembered.get(name)
    const count = (known?.count ?? 0) + 1
    const time = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z')
    const writtenAt = known?.writtenAt ?? Number.NEGATIVE_INFINITY
    const writes = now - writtenAt >= EVENT_REPEAT_AFTER && this.#spend(now, event.type === 'Warning' ? 0 : FOR_WARNINGS)
    this.#remember(name, { count, writtenAt: writes ? now : writtenAt, first: known?.first ?? time })
    if (!writes) return
    void this.#send(about, event, { name, count, first: known?.first ?? time, last: time, again: Number.isFinite(writtenAt) })
  }

  async #send(
    about: KubernetesObject,
    event: ZoneEvent,
    written: { name: string; count: number; first: string; last: string; again: boolean },
  ): Promise<void> {
    const namespace = about.metadata.namespace ?? 'default'
    const resource = { group: '', version: 'v1', plural: 'events', namespace }
    const { apiVersion, kind } = about
    const { name, uid, resourceVersion } = about.metadata
    const body = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: written.name, namespace },
      involvedObject: { apiVersion, kind, namespace, name, uid, resourceVersion },
      type: event.type,
      reason: event.reason,
      message: event.message.slice(0, MAX_MESSAGE),
      source: { component: COMPONENT },
      reportingComponent: COMPONENT,
      count: written.count,
      firstTimestamp: written.first,
      lastTimestamp: written.last,
    }
    try {
      if (written.again) {
        const changed = { count: written.count, lastTimestamp: written.last }
        await this.#client.mergePatch(resource, written.name, changed).catch((error: unknown) => {
          // Events expire after an hour.
          if (isCode(error, 'NotFound')) return this.#client.create(resource, body)
          throw error
        })
      } else {
        await this.#client.create(resource, body).catch((error: unknown) => {
          // An operator before this one wrote it, or we did, and forgot: how often is not known, but when.
          if (isCode(error, 'KubernetesConflict')) return this.#client.mergePatch(resource, written.name, { lastTimestamp: written.last })
          throw error
        })
      }
    } catch (error) {
      this.#log.warn({ object: `${namespace}/${name}`, reason: event.reason, error: describeError(error) }, 'event: not written')
    }
  }

  #remember(name: string, value: Remembered): void {
    this.#remembered.delete(name)
    this.#remembered.set(name, value)
    if (this.#remembered.size <= MAX_REMEMBERED) return
    const [oldest] = this.#remembered.keys()
    if (oldest !== undefined) this.#remembered.delete(oldest)
  }

  /** False when no more than `kept` is left. */
  #spend(now: number, kept: number): boolean {
    // A clock that was set back takes nothing away.
    this.#budget = Math.min(BURST, this.#budget + (Math.max(0, now - this.#refilledAt) / 1_000) * PER_SECOND)
    this.#refilledAt = now
    if (this.#budget < kept + 1) return false
    this.#budget -= 1
    return true
  }
}

/** The same for the same event about the same object, so that a restarted operator adds to what it wrote before. */
function eventName(about: KubernetesObject, event: ZoneEvent): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([about.metadata.uid, event.type, event.reason, event.message]))
    .digest('hex')
  return `${about.metadata.name.slice(0, 200)}.${hash.slice(0, 16)}`
}
