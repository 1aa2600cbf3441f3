import { BailiwickError, describeError } from '../../core/errors.ts'
import type { FleetId, LayerId } from '../../core/ids.ts'
import type { FleetChange, LayerState, ZoneIndex } from '../../core/ports/index-port.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { JOIN_POLL_EVERY, JOIN_WATCH_LINGER } from '../../core/timing.ts'

/** So many joins may wait in one process. */
const MAX_WAITING_JOINS = 10_000

export interface LayerWait {
  /** Resolves with its state as soon as a host has the layer (Assigned, Claiming, Serving), or it will not come by itself (Asleep, Barred, Quarantined): it is worth asking again. With nothing when the signal aborts. */
  settled(signal: AbortSignal): Promise<LayerState | undefined>
  /** Must be called, whatever happened. */
  end(): void
}

type Wake = (state: LayerState) => void

interface FleetWatch {
  readonly layers: Map<LayerId, Set<Wake>>
  readonly stop: AbortController
  /** Settles when changes are told. */
  begun: Promise<void> | undefined
  readonly poll: NodeJS.Timeout
  /** Runs while nobody waits. */
  closing: NodeJS.Timeout | undefined
  /** The layers that are being looked at, and whether something changed meanwhile. */
  readonly looking: Map<LayerId, { again: boolean }>
}

const settledStates: ReadonlySet<LayerState> = new Set(['Assigned', 'Claiming', 'Serving', 'Asleep', 'Barred', 'Quarantined'])

/**
 * Joins that wait for layers. They share one watch a fleet while anybody waits there (and JOIN_WATCH_LINGER longer), and one look at a layer for all who wait for it; the look is repeated every
 * JOIN_POLL_EVERY, so that a lost notice costs no more than that.
 */
export class LayerWaits {
  readonly #index: ZoneIndex
  readonly #log: Log
  readonly #fleets = new Map<FleetId, FleetWatch>()
  #waiting = 0

  constructor(index: ZoneIndex, log: Log) {
    this.#index = index
    this.#log = log
  }

  get waiting(): number {
    return this.#waiting
  }

  /**
   * Begins to wait for a layer. `look`: at once, too, so that what changed since the layer was asked for is not missed; left out by those who just looked, so
   * that a layer that is not what it seems is not asked without pause. Throws Busy at MAX_WAITING_JOINS.
   */
  begin(fleet: FleetId, layer: LayerId, look: boolean): LayerWait {
    if (this.#waiting >= MAX_WAITING_JOINS) {
      throw new BailiwickError('Busy', { found: `${this.#waiting} joins that wait`, todo: 'try again', retryAfterMs: JOIN_POLL_EVERY * 4 })
    }
    this.#waiting += 1
    const watch = this.#fleets.get(fleet) ?? this.#open(fleet)
    clearTimeout(watch.closing)
    watch.begun ??= this.#listen(fleet, watch)
    const { promise, resolve: wake } = Promise.withResolvers<LayerState>()
    const waiters = watch.layers.get(layer) ?? new Set()
    watch.layers.set(layer, waiters.add(wake))
    if (look) void watch.begun.then(() => this.#look(fleet, watch, layer))
    let over = false
    return {
      settled: (signal) => untilAborted(promise, signal),
      end: () => {
        if (over) return
        over = true
        this.#waiting -= 1
        waiters.delete(wake)
        if (waiters.size === 0) watch.layers.delete(layer)
        if (watch.layers.size === 0) watch.closing = setTimeout(() => this.#close(fleet, watch), JOIN_WATCH_LINGER).unref()
      },
    }
  }

  #open(fleet: FleetId): FleetWatch {
    const lookAtAll = (): void => this.#lookAtAll(fleet, watch)
    const watch: FleetWatch = {
      layers: new Map(),
      stop: new AbortController(),
      begun: undefined,
      poll: setInterval(lookAtAll, JOIN_POLL_EVERY).unref(),
      closing: undefined,
      looking: new Map(),
    }
    this.#fleets.set(fleet, watch)
    return watch
  }

  /** Resolves also when changes can not be watched: then there are the polls, and the next who waits tries again. */
  async #listen(fleet: FleetId, watch: FleetWatch): Promise<void> {
    const onChange = (change: FleetChange): void => {
      if (change.kind === 'gap') this.#lookAtAll(fleet, watch)
      else if (change.kind === 'layer' && watch.layers.has(change.layer)) this.#hear(fleet, watch, change)
    }
    try {
      await this.#index.watchFleet(fleet, onChange, watch.stop.signal)
    } catch (error) {
      watch.begun = undefined
      this.#log.warn({ fleet, detail: describeError(error) }, 'changes of the fleet can not be watched, its layers are polled')
    }
  }

  /** What its host has said of it needs no look: who is woken asks the index anyway. */
  #hear(fleet: FleetId, watch: FleetWatch, { layer, reported }: Extract<FleetChange, { readonly kind: 'layer' }>): void {
    if (reported === undefined) void this.#look(fleet, watch, layer)
    else wakeIfSettled(watch, layer, reported)
  }

  #lookAtAll(fleet: FleetId, watch: FleetWatch): void {
    for (const layer of watch.layers.keys()) void this.#look(fleet, watch, layer)
  }

  #close(fleet: FleetId, watch: FleetWatch): void {
    clearInterval(watch.poll)
    watch.stop.abort()
    this.#fleets.delete(fleet)
  }

  /** One look at a time; a change during it asks for another. */
  async #look(fleet: FleetId, watch: FleetWatch, layer: LayerId): Promise<void> {
    const busy = watch.looking.get(layer)
    if (busy !== undefined) {
      busy.again = true
      return
    }
    const look = { again: false }
    watch.looking.set(layer, look)
    do {
      look.again = false
      await this.#lookOnce(fleet, watch, layer)
    } while (look.again && watch.layers.has(layer))
    watch.looking.delete(layer)
  }

  async #lookOnce(fleet: FleetId, watch: FleetWatch, layer: LayerId): Promise<void> {
    try {
      const { state } = await this.#index.getLayer(fleet, layer)
      wakeIfSettled(watch, layer, state)
    } catch (error) {
      // The next poll tries again, and the join has its deadline.
      this.#log.debug({ layer, detail: describeError(error) }, 'a layer that is waited for could not be read')
    }
  }
}

function wakeIfSettled({ layers }: FleetWatch, layer: LayerId, state: LayerState): void {
  if (settledStates.has(state)) for (const wake of layers.get(layer) ?? []) wake(state)
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve) => {
    const aborted = (): void => resolve(undefined)
    signal.addEventListener('abort', aborted, { once: true })
    if (signal.aborted) aborted()
    void promise.then((value) => {
      signal.removeEventListener('abort', aborted)
      resolve(value)
    })
  })
}
