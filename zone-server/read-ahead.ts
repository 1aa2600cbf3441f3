import type { Clock } from '../core/clock.ts'
import { BailiwickError } from '../core/errors.ts'
import { type LayerId, parseLayerId } from '../core/ids.ts'
import type { ZoneIndex } from '../core/ports/index-port.ts'
import type { Store } from '../core/ports/store-port.ts'
import { HEARTBEAT_EVERY } from '../core/timing.ts'
import { type ClaimedZone, type FirstLook, lookFirst } from './claim.ts'
import { type HostedZone, readHostedZone } from './hosted-zone.ts'
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

/**
 * Zones and chains that are read while the host asks whether their layers are really its own: two round trips less for who waits for a layer. Each is used once, and only for an assignment that was heard
 * of just now; what changed of the zone since comes with the refresh that follows each opening, and what was appended to the chain since makes the claim look again.
 */
export class ReadAhead {
  readonly #index: ZoneIndex
  readonly #store: Pick<Store, 'head'>
  readonly #clock: Clock
  readonly #readings = new Map<LayerId, Reading>()

  constructor(index: ZoneIndex, store: Pick<Store, 'head'>, clock: Clock) {
    this.#index = index
    this.#store = store
    this.#clock = clock
  }

  /** The layer may be claimed in a moment. */
  begin(layer: LayerId): void {
    const zone = readZoneToOpen(this.#index, layer)
    const firstLook = lookFirst(layer, { index: this.#index, store: this.#store })
    // Who uses it looks itself then.
    firstLook.catch(() => undefined)
    const reading = { at: this.#clock.now(), zone, firstLook }
    this.#readings.delete(layer)
    this.#readings.set(layer, reading)
    // What could not be read is read again by who needs it.
    zone.catch(() => {
      if (this.#readings.get(layer) === reading) this.#readings.delete(layer)
    })
    const [oldest] = this.#readings.keys()
    if (this.#readings.size > MOST && oldest !== undefined) this.#readings.delete(oldest)
  }

  /** For a layer that is claimed now. */
  take(layer: LayerId): Ahead {
    const known = this.#readings.get(layer)
    this.#readings.delete(layer)
    const isNew = known !== undefined && Math.abs(this.#clock.now() - known.at) < HEARTBEAT_EVERY
    return isNew ? known : { zone: readZoneToOpen(this.#index, layer), firstLook: undefined }
  }
}
