import type { Clock } from '../core/clock.ts'
import { type FleetId, type LayerId, parseLayerId, type ZoneId } from '../core/ids.ts'
import type { FleetNews, HostView, LayerView, ZoneIndex } from '../core/ports/index-port.ts'
import { VIEW_REFRESH_MAX, VIEW_REFRESH_MIN } from '../core/timing.ts'
import { FleetRecords } from './fleet-records.ts'

/** What the index says of one zone in one fleet, all from one read. */
export interface Placement {
  /** The read was begun after the operator's own last change of this zone in this fleet. */
  readonly fresh: boolean
  readonly barred: boolean
  /** By index. */
  readonly layers: readonly LayerView[]
  /** Since when (operator's clock, ms) a served layer is seen without players. */
  readonly emptySince: ReadonlyMap<LayerId, number>
}

export interface FleetMirrorOptions {
  readonly fleet: FleetId
  readonly index: ZoneIndex
  readonly clock: Clock
  readonly random: () => number
  readonly onZone: (zone: ZoneId) => void
  readonly onGap: () => void
  readonly onRead: () => void
  readonly onFailed: (error: unknown) => void
}

type Known = Omit<Placement, 'fresh'>

/** Reading may take this share of the time at most: a large fleet is read less often. */
const READ_SHARE = 0.2

/** The copy of one fleet, kept by what changed in it: a read costs what is new, not what there is. */
export class FleetMirror {
  readonly #options: FleetMirrorOptions
  readonly #stop = new AbortController()
  readonly #first = Promise.withResolvers<void>()
  /** Counts own changes and reads, to tell which came first. */
  #sequence = 0
  readonly #touched = new Map<ZoneId, number>()
  readonly #records = new FleetRecords()
  /** What is told of each zone that the index has something of. */
  readonly #zones = new Map<ZoneId, Known>()
  /** Where the next read goes on. */
  #position: string | undefined
  /** When players were counted last, on the monotonic clock, ms. */
  #countedAt = Number.NEGATIVE_INFINITY
  #hosts: readonly HostView[] = []
  #read = false
  #failing = false
  /** Zones that were asked for before the first read: they are told of it, whether or not the index has anything of them. */
  readonly #awaiting = new Set<ZoneId>()
  #watching = false
  #reading = false
  #dirty = false
  #timer: NodeJS.Timeout | undefined
  /** When the timer fires, on the monotonic clock, ms. */
  #due = Number.POSITIVE_INFINITY
  #pause = VIEW_REFRESH_MIN

  constructor(options: FleetMirrorOptions) {
    this.#options = options
  }

  start(): void {
    void this.#refresh().then(() => this.#first.resolve())
  }

  /** Resolves when the first read was done, or has failed. */
  get first(): Promise<void> {
    return this.#first.promise
  }

  stop(): void {
    this.#first.resolve()
    this.#stop.abort()
    clearTimeout(this.#timer)
  }

  /** True once the fleet was read. */
  get read(): boolean {
    return this.#read
  }

  /** The hosts, as they were read last. */
  get hosts(): readonly HostView[] {
    return this.#hosts
  }

  /** The layers, as they were read last. */
  *layers(): Iterable<LayerView> {
    for (const zone of this.#zones.values()) yield* zone.layers
  }

  /** True while the last read worked: what is known was so VIEW_REFRESH_MAX ago or later. */
  get current(): boolean {
    return this.#read && !this.#failing
  }

  knows(zone: ZoneId): boolean {
    return this.#zones.has(zone)
  }

  placementOf(zone: ZoneId): Known | undefined {
    if (!this.#read) this.#awaiting.add(zone)
    return this.#zones.get(zone)
  }

  isFresh(zone: ZoneId): boolean {
    return !this.#touched.has(zone)
  }

  touched(zone: ZoneId): void {
    this.#sequence += 1
    this.#touched.set(zone, this.#sequence)
    this.#changed()
  }

  #changed(): void {
    this.#dirty = true
    if (!this.#reading) this.#schedule(this.#pause)
  }

  /** Reads after `ms`, or when it was to be read anyway if that is earlier: changes that keep coming must not put the read off for ever. */
  #schedule(ms: number): void {
    const due = performance.now() + ms
    if (this.#stop.signal.aborted || this.#due <= due) return
    clearTimeout(this.#timer)
    this.#due = due
    this.#timer = setTimeout(() => {
      this.#due = Number.POSITIVE_INFINITY
      void this.#refresh()
    }, ms)
  }

  async #refresh(): Promise<void> {
    const { index, fleet, clock, onRead, onFailed } = this.#options
    this.#reading = true
    this.#dirty = false
    this.#sequence += 1
    const begun = { sequence: this.#sequence, at: clock.now() }
    try {
      await this.#watch()
      const counts = performance.now() - this.#countedAt >= VIEW_REFRESH_MAX / 2
      const news = await index.fleetNews(fleet, this.#position, counts, true)
      if (this.#stop.signal.aborted) return
      if (counts) this.#countedAt = performance.now()
      this.#take(news, begun.sequence)
      this.#failing = false
      const took = Math.max(0, clock.now() - begun.at)
      this.#pause = Math.min(VIEW_REFRESH_MAX, Math.max(VIEW_REFRESH_MIN, took / READ_SHARE))
      onRead()
    } catch (error) {
      if (this.#stop.signal.aborted) return
      this.#pause = Math.min(VIEW_REFRESH_MAX, this.#pause * 2)
      this.#dirty = true
      this.#failing = true
      onFailed(error)
    } finally {
      this.#reading = false
      const jitter = 0.75 + 0.25 * this.#options.random()
      this.#schedule((this.#dirty ? this.#pause : VIEW_REFRESH_MAX) * jitter)
    }
  }

  async #watch(): Promise<void> {
    if (this.#watching) return
    const { index, fleet, onGap } = this.#options
    await index.watchFleet(
      fleet,
      (change) => {
        if (change.kind === 'gap') onGap()
        this.#changed()
      },
      this.#stop.signal,
    )
    this.#watching = true
  }

  #take(news: FleetNews, sequence: number): void {
    this.#position = news.position
    if (news.hosts !== undefined) this.#hosts = news.hosts
    this.#read = true
    const fresh = [...this.#touched].flatMap(([zone, at]) => (at < sequence ? [zone] : []))
    for (const zone of fresh) this.#touched.delete(zone)
    const told = new Set([...fresh, ...this.#awaiting])
    this.#awaiting.clear()
    for (const zone of this.#records.take(news)) if (this.#renew(zone)) told.add(zone)
    for (const zone of told) this.#options.onZone(zone)
  }

  /** Takes over what the records say of the zone; true when it is otherwise than it was. */
  #renew(zone: ZoneId): boolean {
    const before = this.#zones.get(zone)
    const layers = [...this.#records.layersOf(zone).values()].sort((a, b) => parseLayerId(a.layer).index - parseLayerId(b.layer).index)
    const barred = this.#records.isBarred(zone)
    if (layers.length === 0 && !barred) {
      this.#zones.delete(zone)
      return before !== undefined
    }
    const now = this.#options.clock.now()
    const empty = layers.flatMap(({ layer, state, players }): [LayerId, number][] =>
      state === 'Serving' && players === 0 ? [[layer, before?.emptySince.get(layer) ?? now]] : [],
    )
    const after: Known = { barred, layers, emptySince: new Map(empty) }
    this.#zones.set(zone, after)
    return differs(before, after)
  }
}

function differs(a: Known | undefined, b: Known): boolean {
  if (a === undefined) return true
  if (a.barred !== b.barred || a.layers.length !== b.layers.length) return true
  return a.layers.some((layer, at) => {
    const other = b.layers[at]
    return (
      other === undefined ||
      layer.layer !== other.layer ||
      layer.state !== other.state ||
      layer.generation !== other.generation ||
      layer.epoch !== other.epoch ||
      layer.host !== other.host ||
      layer.players !== other.players ||
      layer.closeRequested !== other.closeRequested ||
      layer.failure !== other.failure ||
      layer.dataSafe !== other.dataSafe ||
      layer.node !== other.node ||
      layer.endpoints.join() !== other.endpoints.join()
    )
  })
}
