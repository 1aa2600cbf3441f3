import { chains } from '../core/chains.ts'
import type { Timers } from '../core/clock.ts'
import { BailiwickError } from '../core/errors.ts'
import { type LayerId, parseLayerId, type ZoneId } from '../core/ids.ts'
import type { ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { ChainEntry, Store } from '../core/ports/store-port.ts'
import { HEARTBEAT_EVERY } from '../core/timing.ts'
import { type ClaimedZone, type FirstLook, lookFirst, readSnapshotAhead, type SnapshotAhead } from './claim.ts'
import { type HostedZone, readHostedZone } from './hosted-zone.ts'
import type { Packing } from './packing.ts'
import { contentHash, simulationSettings } from './restore.ts'
import { newState, type SimulationSettings } from './simulation/state.ts'

/** A zone as a layer of it is opened. */
export interface ZoneToOpen extends ClaimedZone {
  readonly zone: HostedZone
  readonly settings: SimulationSettings
}

/** What is served and with which settings. Throws ZoneUnknown, and what readHostedZone throws. */
export async function readZoneToOpen(index: ZoneIndex, layer: LayerId): Promise<ZoneToOpen> {
  const zone = await readHostedZone(index, parseLayerId(layer).zone)
  if (zone === undefined) throw new BailiwickError('ZoneUnknown', { asked: layer })
  const settings = simulationSettings(zone.settings, zone.content)
  return { zone, settings, content: contentHash(settings), fresh: () => newState(layer, settings) }
}

/** So many layers are read for at a time: more than a host is given at once. */
const MOST = 32

/** What is read of a layer before it is known to be this host's. */
export interface Ahead {
  readonly zone: Promise<ZoneToOpen>
  /** Of its chain; undefined: it is not being read. */
  readonly firstLook: Promise<FirstLook> | undefined
}

interface Reading extends Ahead {
  readonly at: number
}

export interface ReadAheadDeps {
  readonly index: ZoneIndex
  readonly store: Store
  readonly log: Log
  readonly packing: Packing
  readonly timers: Timers
}

/**
 * Zones, chains and snapshots that are read while the host is still on its way to claim their layers: two round trips less for who waits for a layer, and the work of unpacking while nothing else can be done. Each is used
 * once, and only for an assignment that was heard of just now; what changed of the zone since is told, and what was appended to the chain since makes the claim look again.
 */
export class ReadAhead {
  readonly #deps: ReadAheadDeps
  readonly #readings = new Map<LayerId, Reading>()

  constructor(deps: ReadAheadDeps) {
    this.#deps = deps
  }

  /** The layer may be claimed in a moment. */
  begin(layer: LayerId): void {
    const zone = readZoneToOpen(this.#deps.index, layer)
    const firstLook = this.#look(layer)
    // Who uses it looks itself then.
    firstLook.catch(() => undefined)
    const reading = { at: this.#deps.timers.now(), zone, firstLook }
    this.#readings.delete(layer)
    this.#readings.set(layer, reading)
    // What could not be read is read again by who needs it.
    zone.catch(() => {
      if (this.#readings.get(layer) === reading) this.#readings.delete(layer)
    })
    // Those that nobody took hold states, and are of no use any more.
    for (const [known, { at }] of this.#readings) if (!this.#isNew(at)) this.#readings.delete(known)
    const [oldest] = this.#readings.keys()
    if (this.#readings.size > MOST && oldest !== undefined) this.#readings.delete(oldest)
  }

  /** A zone, or any (undefined), has other settings than were read. */
  changed(zone: ZoneId | undefined): void {
    for (const layer of this.#readings.keys()) if (zone === undefined || zone === parseLayerId(layer).zone) this.#readings.delete(layer)
  }

  /** For a layer that is claimed now. */
  take(layer: LayerId): Ahead {
    const known = this.#readings.get(layer)
    this.#readings.delete(layer)
    const isNew = known !== undefined && this.#isNew(known.at)
    return isNew ? known : { zone: readZoneToOpen(this.#deps.index, layer), firstLook: undefined }
  }

  async #look(layer: LayerId): Promise<FirstLook> {
    const { store, index, timers } = this.#deps
    const head = store.head(chains.layer(layer))
    let snapshot: SnapshotAhead | undefined
    const read = (entry: ChainEntry | undefined): void => {
      snapshot = readSnapshotAhead(layer, entry, this.#deps)
    }
    // A small one is unpacked within the call: what is asked of the index goes out first, with the end of this turn.
    const later = (entry: ChainEntry | undefined): void => void timers.after(0, () => timers.after(0, () => read(entry)))
    head.then(later, () => undefined)
    return { ...(await lookFirst(layer, { index }, head)), snapshot }
  }

  #isNew(at: number): boolean {
    return Math.abs(this.#deps.timers.now() - at) < HEARTBEAT_EVERY
  }
}
