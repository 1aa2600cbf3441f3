import { BailiwickError, describeError, isCode } from '../../../core/errors.ts'
import type { FleetId, ZoneId } from '../../../core/ids.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import type { Log } from '../../../core/ports/log-port.ts'
import type { ZoneSettings } from '../../../core/settings.ts'
import { COPY_REFRESH_EVERY, COPY_STALE_AFTER } from '../../../core/timing.ts'
import { FleetCopy } from './fleet-copy.ts'
import { Follower } from './follower.ts'
import { ZoneEntry } from './zone-entry.ts'

/** A watch is a connection: fleets beyond this are only read when it is time. */
const MAX_WATCHED_FLEETS = 64

type Watcher = () => void

/**
 * A local copy of the settings of all zones and of the layers of their fleets, so that a question costs no round trip. It is as large as what is declared: some kilobytes a zone.
 * What it answers was true `age` ms ago; past COPY_STALE_AFTER it answers IndexStale instead.
 */
export class IndexCopy {
  readonly #index: ZoneIndex
  readonly #log: Log
  readonly #now: () => number
  readonly #zones = new Map<ZoneId, ZoneEntry>()
  readonly #fleets = new Map<FleetId, FleetCopy>()
  readonly #watchers = new Map<ZoneId, Set<Watcher>>()
  /** Zones of which something is new that their watchers were not told yet. */
  readonly #news = new Set<ZoneId>()
  readonly #settings: Follower
  #position: string | undefined
  #sorted: readonly ZoneId[] | undefined
  #stopped = false

  /** `now`: a monotonic clock, ms; default performance.now. */
  constructor(index: ZoneIndex, log: Log, now: () => number = () => performance.now()) {
    this.#index = index
    this.#log = log
    this.#now = now
    this.#settings = new Follower({
      name: 'zones',
      read: () => this.#read(),
      watch: (onChange, signal) => index.watchZones(onChange, signal),
      onRead: this.#told,
      log,
    })
  }

  /** Begins to follow the index; resolves after the first read of all of it, whether it worked or not. */
  async start(): Promise<void> {
    await this.#settings.start()
  }

  stop(): void {
    this.#stopped = true
    this.#settings.stop()
    for (const fleet of this.#fleets.values()) fleet.stop()
    this.#fleets.clear()
  }

  get size(): number {
    return this.#zones.size
  }

  /** Age in ms of the oldest part; Infinity while a part was never read. */
  get age(): number {
    let oldest = this.#settings.asOf
    for (const fleet of this.#fleets.values()) oldest = Math.min(oldest, fleet.asOf)
    return this.#ageOf(oldest)
  }

  /** The zone and the age of what is said of it, ms. Undefined: there is none. Throws IndexStale. */
  find(zone: ZoneId): { readonly entry: ZoneEntry; readonly age: number } | undefined {
    const entry = this.#zones.get(zone)
    const settings = this.#settings.asOf
    const asOf =
      entry === undefined ? settings : Math.min(settings, this.#fleets.get(entry.settings.fleet)?.asOf ?? Number.NEGATIVE_INFINITY)
    const age = this.#fresh(asOf)
    return entry === undefined ? undefined : { entry, age }
  }

  /** Its settings as they were read last, however long ago: for those who look themselves how they are now. */
  settingsBefore(zone: ZoneId): ZoneSettings | undefined {
    return this.#zones.get(zone)?.settings
  }

  has(zone: ZoneId): boolean {
    return this.#zones.has(zone)
  }

  /** All zones in byte order of their ids, from the first one after `after`; and the age of the whole, ms. Throws IndexStale. */
  list(after: string | undefined): { readonly entries: Iterable<readonly [ZoneId, ZoneEntry]>; readonly age: number } {
    const age = this.#fresh(this.#now() - this.age)
    this.#sorted ??= [...this.#zones.keys()].sort()
    return { entries: this.#from(this.#sorted, after), age }
  }

  *#from(sorted: readonly ZoneId[], after: string | undefined): Iterable<readonly [ZoneId, ZoneEntry]> {
    for (let at = after === undefined ? 0 : firstAfter(sorted, after); at < sorted.length; at++) {
      const zone = sorted[at] as ZoneId
      const entry = this.#zones.get(zone)
      if (entry !== undefined) yield [zone, entry]
    }
  }

  /** Calls whenever something of the zone is new (also when it is made or deleted), until the answered function is called. A watcher that throws IndexStale is called again. */
  watch(zone: ZoneId, watcher: Watcher): () => void {
    const watchers = this.#watchers.get(zone) ?? new Set()
    this.#watchers.set(zone, watchers.add(watcher))
    return () => {
      watchers.delete(watcher)
      if (watchers.size === 0 && this.#watchers.get(zone) === watchers) this.#watchers.delete(zone)
    }
  }

  /** Throws IndexStale. */
  assertFresh(): void {
    this.#fresh(this.#now() - this.age)
  }

  #fresh(asOf: number): number {
    const age = this.#ageOf(asOf)
    if (age <= COPY_STALE_AFTER) return age
    const found = Number.isFinite(age) ? `it was last known to be true ${age} ms ago` : 'it was not read yet'
    throw new BailiwickError('IndexStale', { found, todo: 'try again', retryAfterMs: COPY_REFRESH_EVERY })
  }

  #ageOf(asOf: number): number {
    return Math.max(0, Math.round(this.#now() - asOf))
  }

  async #read(): Promise<void> {
    const news = await this.#index.zoneNews(this.#position)
    if (this.#stopped) return
    if (news.whole) {
      const known = new Set(news.settings.map(({ zone }) => zone))
      for (const zone of [...this.#zones.keys()]) if (!known.has(zone)) this.#drop(zone)
    }
    for (const settings of news.settings) this.#put(settings)
    for (const zone of news.gone) this.#drop(zone)
    this.#position = news.position
    // Also when they did not change: a zone's first answer waits for its fleet, not the other way round.
    await this.#followFleets()
  }

  #put(settings: ZoneSettings): void {
    if (!this.#zones.has(settings.zone)) this.#sorted = undefined
    const entry = new ZoneEntry(settings, () => this.#fleets.get(settings.fleet)?.layersOf(settings.zone) ?? [])
    this.#zones.set(settings.zone, entry)
    this.#tell(settings.zone)
  }

  #drop(zone: ZoneId): void {
    if (!this.#zones.delete(zone)) return
    this.#sorted = undefined
    this.#tell(zone)
  }

  /** Fleets that zones use are followed, the others are not. Resolves when those that are new were read. */
  async #followFleets(): Promise<void> {
    const used = new Set<FleetId>()
    for (const { settings } of this.#zones.values()) used.add(settings.fleet)
    for (const [id, fleet] of this.#fleets) {
      if (used.has(id)) continue
      fleet.stop()
      this.#fleets.delete(id)
    }
    const started = [...used].filter((id) => !this.#fleets.has(id)).map((id) => this.#follow(id).start())
    await Promise.all(started)
  }

  #follow(fleet: FleetId): FleetCopy {
    const watched = [...this.#fleets.values()].filter((one) => one.watched).length < MAX_WATCHED_FLEETS
    const copy = new FleetCopy({
      fleet,
      index: this.#index,
      watched,
      log: this.#log,
      onZone: (zone) => this.#tell(zone),
      onRead: this.#told,
    })
    this.#fleets.set(fleet, copy)
    return copy
  }

  #tell(zone: ZoneId): void {
    this.#zones.get(zone)?.changed()
    this.#news.add(zone)
  }

  /** Tells those who watch. Not while news are taken over: who asks back then may find a part that was not read yet. Never throws. */
  readonly #told = (): void => {
    const zones = [...this.#news]
    this.#news.clear()
    for (const zone of zones) for (const watcher of [...(this.#watchers.get(zone) ?? [])]) this.#call(zone, watcher)
  }

  #call(zone: ZoneId, watcher: Watcher): void {
    try {
      watcher()
    } catch (error) {
      // Another part of what is said of it is too old: told after the next read.
      if (isCode(error, 'IndexStale')) this.#news.add(zone)
      else this.#log.error({ zone, detail: describeError(error) }, 'a watcher of a zone failed')
    }
  }
}

/** The place of the first id above `after` in byte order. */
function firstAfter(sorted: readonly string[], after: string): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as string) <= after) low = middle + 1
    else high = middle
  }
  return low
}
