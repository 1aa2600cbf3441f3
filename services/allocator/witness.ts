import { setTimeout as delay } from 'node:timers/promises'
import { type Clock, monotonicClock } from '../../core/clock.ts'
import { describeError } from '../../core/errors.ts'
import type { FleetId } from '../../core/ids.ts'
import type { LayerView, ZoneIndex } from '../../core/ports/index-port.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { KNOCK_AGAIN_AFTER } from '../../core/timing.ts'
import { type Heard, type Knock, knock } from './knock.ts'
import type { AllocatorMeters } from './meters.ts'

/** Of one host. */
const MAX_ENDPOINTS = 4
/** Hosts that are looked at within KNOCK_AGAIN_AFTER. More die at once only when a node does, and of that nobody is refused. */
const MAX_HOSTS = 64

export interface WitnessDeps {
  readonly index: Pick<ZoneIndex, 'suspectHost' | 'sweep'>
  readonly log: Log
  readonly meters: Pick<AllocatorMeters, 'knocked' | 'swept'>
  /** Default: by TCP. */
  readonly knock?: Knock
  /** Monotonic. */
  readonly clock?: Clock
}

/**
 * Looks for itself when a client says that nobody answers where a host should be. A host that refuses connections is suspected, and swept as soon as it has been silent for long enough: one that
 * lives goes on sending heartbeats, and is not taken for dead whatever clients say. Only endpoints that hosts gave to the index are tried, each host at most once in KNOCK_AGAIN_AFTER.
 */
export class Witness {
  readonly #deps: WitnessDeps
  readonly #clock: Clock
  /** When each host was looked at last, the longest ago first. */
  readonly #lookedAt = new Map<string, number>()

  constructor(deps: WitnessDeps) {
    this.#deps = deps
    this.#clock = deps.clock ?? monotonicClock
  }

  /** A client could not reach the host of this layer, as the index has it now. Nobody waits for what comes of it. */
  told(fleet: FleetId, { host, endpoints }: Pick<LayerView, 'host' | 'endpoints'>): void {
    if (host === undefined || endpoints.length === 0) return
    const now = this.#clock.now()
    for (const [known, at] of this.#lookedAt) {
      if (now - at < KNOCK_AGAIN_AFTER) break
      this.#lookedAt.delete(known)
    }
    const key = `${fleet} ${host}`
    if (this.#lookedAt.has(key) || this.#lookedAt.size >= MAX_HOSTS) return
    this.#lookedAt.set(key, now)
    void this.#look(fleet, host, endpoints.slice(0, MAX_ENDPOINTS))
  }

  async #look(fleet: FleetId, host: string, endpoints: readonly string[]): Promise<void> {
    const { index, log, meters } = this.#deps
    const heard = together(await Promise.all(endpoints.map(this.#deps.knock ?? knock)))
    meters.knocked(heard)
    if (heard !== 'refused') return
    try {
      const deadInMs = await index.suspectHost(fleet, host)
      if (deadInMs === undefined) return
      log.info({ fleet, host, deadInMs }, 'a host refuses connections: it is dead unless it is heard')
      await delay(deadInMs, undefined, { ref: false })
      meters.swept('Done', await index.sweep(fleet))
    } catch (error) {
      // It would have hurried what time does by itself.
      log.debug({ fleet, host, detail: describeError(error) }, 'the index was not told of a host that refuses connections')
    }
  }
}

/** One endpoint that is open, or says nothing, leaves room for doubt. */
function together(heard: readonly Heard[]): Heard {
  if (heard.every((one) => one === 'refused')) return 'refused'
  return heard.includes('open') ? 'open' : 'nothing'
}
