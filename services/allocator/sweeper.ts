import { setTimeout } from 'node:timers/promises'
import { describeError } from '../../core/errors.ts'
import type { FleetId } from '../../core/ids.ts'
import type { ZoneIndex } from '../../core/ports/index-port.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { RESYNC_EVERY, SWEEP_EVERY } from '../../core/timing.ts'
import type { AllocatorMeters } from './meters.ts'

export interface Sweeper {
  /** Ends after the sweep that is under way. */
  stop(): Promise<void>
}

/**
 * Sweeps every fleet that a zone uses, each SWEEP_EVERY on average, so that layers of dead hosts are placed again also without the operator. Any number of processes may do so: a
 * sweep that finds nothing changes nothing.
 */
export function startSweeper(index: ZoneIndex, log: Log, meters: Pick<AllocatorMeters, 'swept'>): Sweeper {
  const stop = new AbortController()
  const fleets = new KnownFleets(index, log, stop.signal)
  let failing = false
  const sweepAll = async (): Promise<void> => {
    try {
      for (const fleet of await fleets.get()) meters.swept('Done', await index.sweep(fleet))
      if (failing) log.info({}, 'fleets are swept again')
      failing = false
    } catch (error) {
      meters.swept('Failed', 0)
      // Said once an outage.
      if (!failing) log.warn({ detail: describeError(error) }, 'fleets can not be swept')
      failing = true
    }
  }
  const loop = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await sweepAll()
      await pause(SWEEP_EVERY * (0.5 + Math.random()), stop.signal)
    }
  }
  const done = loop()
  return {
    async stop() {
      stop.abort()
      await done
    },
  }
}

/** The fleets of all zones, read again when zones change and every RESYNC_EVERY: listing 10,000 zones for each sweep would cost more than the sweep. */
class KnownFleets {
  readonly #index: ZoneIndex
  readonly #log: Log
  readonly #signal: AbortSignal
  #fleets: readonly FleetId[] = []
  #readAt = Number.NEGATIVE_INFINITY
  #watching = false

  constructor(index: ZoneIndex, log: Log, signal: AbortSignal) {
    this.#index = index
    this.#log = log
    this.#signal = signal
  }

  async get(): Promise<readonly FleetId[]> {
    if (!this.#watching) await this.#watch()
    if (performance.now() - this.#readAt < RESYNC_EVERY) return this.#fleets
    const began = performance.now()
    this.#readAt = began
    try {
      this.#fleets = [...new Set((await this.#index.listZones()).map((settings) => settings.fleet))]
    } catch (error) {
      this.#readAt = Number.NEGATIVE_INFINITY
      throw error
    }
    return this.#fleets
  }

  async #watch(): Promise<void> {
    const onChange = (): void => {
      this.#readAt = Number.NEGATIVE_INFINITY
    }
    await this.#index.watchZones(onChange, this.#signal)
    this.#watching = true
    this.#log.debug({}, 'zones are watched for their fleets')
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(ms, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
