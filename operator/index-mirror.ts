import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../core/clock.ts'
import { describeError } from '../core/errors.ts'
import type { FleetId, LayerId, ZoneId } from '../core/ids.ts'
import type { HostView, LayerView, ZoneIndex, ZoneNews } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { ZoneSettings } from '../core/settings.ts'
import { RESYNC_EVERY } from '../core/timing.ts'
import { FleetMirror, type Placement } from './fleet-mirror.ts'

export interface MirrorOptions {
  readonly index: ZoneIndex
  readonly clock: Clock
  readonly log: Log
  /** Something about the zone is new in the index. */
  readonly onZone: (zone: ZoneId) => void
  /** The index answers again after an outage. */
  readonly onRecovered: () => void
  readonly random?: () => number
}

const NONE: ReadonlyMap<LayerId, number> = new Map()

/**
 * A local copy of what the index says of the fleets in use: 10,000 zones are decided upon without 10,000 reads. One read a fleet, of what is new, when something changed and
 * now and then; zones that differ are told. An outage of the index is one line of the log and one metric, whatever the number of zones.
 */
export class IndexMirror {
  readonly #options: MirrorOptions
  readonly #fleets = new Map<FleetId, FleetMirror>()
  readonly #settings = new Map<ZoneId, ZoneSettings>()
  #settingsKnown = false
  /** Where the next read of the settings goes on. */
  #position: string | undefined
  #reachable = true
  #stopped = false
  #timer: NodeJS.Timeout | undefined

  constructor(options: MirrorOptions) {
    this.#options = options
  }

  /** Begins to read; never throws: what can't be read is read later. */
  async start(): Promise<void> {
    await this.loadSettings()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    for (const fleet of this.#fleets.values()) fleet.stop()
    this.#fleets.clear()
  }

  /** False during an outage of the index. */
  get reachable(): boolean {
    return this.#reachable
  }

  /** True once the settings in the index were read. */
  get settingsKnown(): boolean {
    return this.#settingsKnown
  }

  settingsOf(zone: ZoneId): ZoneSettings | undefined {
    return this.#settings.get(zone)
  }

  knownZones(): readonly ZoneId[] {
    return [...this.#settings.keys()]
  }

  /** Fleets in which the index has something of the zone, as far as they are followed. */
  fleetsOf(zone: ZoneId): readonly FleetId[] {
    return [...this.#fleets].flatMap(([id, fleet]) => (fleet.knows(zone) ? [id] : []))
  }

  /** What the index says of a zone in a fleet, which is followed from now on; undefined until its first read. */
  placementOf(fleet: FleetId, zone: ZoneId): Placement | undefined {
    const mirror = this.#follow(fleet)
    const known = mirror.placementOf(zone)
    if (!mirror.read) return undefined
    return {
      fresh: mirror.isFresh(zone),
      barred: known?.barred ?? false,
      layers: known?.layers ?? [],
      emptySince: known?.emptySince ?? NONE,
    }
  }

  /** The hosts of every fleet that is followed. */
  *hosts(): Iterable<readonly [FleetId, readonly HostView[]]> {
    for (const [id, fleet] of this.#fleets) yield [id, fleet.hosts]
  }

  /** Every layer with a record in a fleet that is followed. */
  *layers(): Iterable<LayerView> {
    for (const fleet of this.#fleets.values()) yield* fleet.layers()
  }

  /** The hosts of a fleet; undefined when the index did not answer lately. */
  hostsOf(fleet: FleetId): readonly HostView[] | undefined {
    const known = this.#fleets.get(fleet)
    return known?.current === true ? known.hosts : undefined
  }

  get followed(): readonly FleetId[] {
    return [...this.#fleets.keys()]
  }

  /** Follows these fleets; resolves when each was read once or could not be. Zones that are looked at earlier are looked at twice. */
  async follow(fleets: Iterable<FleetId>): Promise<void> {
    await Promise.all([...fleets].map((fleet) => this.#follow(fleet).first))
  }

  /** Stops following fleets that no zone uses. */
  keepOnly(fleets: ReadonlySet<FleetId>): void {
    for (const [id, mirror] of this.#fleets) {
      if (fleets.has(id)) continue
      mirror.stop()
      this.#fleets.delete(id)
    }
  }

  /** The operator has just changed something of the zone in the fleet: what was read before does not count. */
  touched(fleet: FleetId, zone: ZoneId): void {
    this.#follow(fleet).touched(zone)
  }

  wrote(settings: ZoneSettings): void {
    this.#settings.set(settings.zone, settings)
  }

  deleted(zone: ZoneId): void {
    this.#settings.delete(zone)
  }

  /** Reads what is new of the settings, at first all: now and then, and after a gap, since the index may have lost them. */
  async loadSettings(): Promise<void> {
    clearTimeout(this.#timer)
    try {
      const news = await this.#options.index.zoneNews(this.#position)
      if (this.#stopped) return
      const changed = this.#take(news)
      this.#settingsKnown = true
      for (const zone of changed) this.#options.onZone(zone)
      this.#reached()
    } catch (error) {
      this.failed(error)
    }
    if (!this.#stopped) this.#timer = setTimeout(() => void this.loadSettings(), this.#reachable ? RESYNC_EVERY : 1_000)
  }

  /** Answers the zones whose settings are not what was known of them. */
  #take({ position, whole, settings, gone }: ZoneNews): readonly ZoneId[] {
    this.#position = position
    const named = new Set(settings.map(({ zone }) => zone))
    const lost = [...gone, ...(whole ? [...this.#settings.keys()].filter((zone) => !named.has(zone)) : [])]
    const missing = lost.filter((zone) => this.#settings.delete(zone))
    const other = settings.filter((one) => !isDeepStrictEqual(this.#settings.get(one.zone), one))
    for (const one of other) this.#settings.set(one.zone, one)
    return [...missing, ...other.map(({ zone }) => zone)]
  }

  #follow(fleet: FleetId): FleetMirror {
    const known = this.#fleets.get(fleet)
    if (known !== undefined) return known
    const { index, clock, onZone, random } = this.#options
    const made = new FleetMirror({
      fleet,
      index,
      clock,
      onZone,
      random: random ?? Math.random,
      onGap: () => void this.loadSettings(),
      onRead: () => this.#reached(),
      onFailed: (error) => this.failed(error),
    })
    this.#fleets.set(fleet, made)
    if (!this.#stopped) void made.start()
    return made
  }

  #reached(): void {
    if (this.#reachable || this.#stopped) return
    this.#reachable = true
    this.#options.log.info({}, 'index: answers again')
    this.#options.onRecovered()
    void this.loadSettings()
  }

  /** A call of the index has failed. */
  failed(error: unknown): void {
    if (!this.#reachable || this.#stopped) return
    this.#reachable = false
    this.#options.log.error({ error: describeError(error) }, 'index: does not answer, zones stay as they are')
  }
}
