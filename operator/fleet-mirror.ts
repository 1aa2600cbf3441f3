import type { Clock } from '../core/clock.ts'
import { type FleetId, type LayerId, parseLayerId, type ZoneId } from '../core/ids.ts'
import type { FleetView, HostView, LayerView, ZoneIndex } from '../core/ports/index-port.ts'
import { VIEW_REFRESH_MAX, VIEW_REFRESH_MIN } from '../core/timing.ts'

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

/** The copy of one fleet's view. */
export class FleetMirror {
  readonly #options: FleetMirrorOptions
  readonly #stop = new AbortController()
  /** Counts own changes and reads, to tell which came first. */
  #sequence = 0
  readonly #touched = new Map<ZoneId, number>()
  #zones: ReadonlyMap<ZoneId, Known> = new Map()
  #hosts: readonly HostView[] = []
  #read = false
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
    this.#schedule(0)
  }

  stop(): void {
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
      const view = await index.fleetView(fleet)
      if (this.#stop.signal.aborted) return
      this.#take(view, begun.sequence)
      const took = Math.max(0, clock.now() - begun.at)
      this.#pause = Math.min(VIEW_REFRESH_MAX, Math.max(VIEW_REFRESH_MIN, took / READ_SHARE))
      onRead()
    } catch (error) {
      if (this.#stop.signal.aborted) return
      this.#pause = Math.min(VIEW_REFRESH_MAX, this.#pause * 2)
      this.#dirty = true
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

  #take(view: FleetView, sequence: number): void {
    const before = this.#zones
    this.#zones = this.#grouped(view)
    this.#hosts = view.hosts
    this.#read = true
    const fresh = [...this.#touched].flatMap(([zone, at]) => (at < sequence ? [zone] : []))
    for (const zone of fresh) this.#touched.delete(zone)
    const told = new Set([...fresh, ...this.#awaiting])
    this.#awaiting.clear()
    for (const zone of new Set([...before.keys(), ...this.#zones.keys()]))
      if (differs(before.get(zone), this.#zones.get(zone))) told.add(zone)
    for (const zone of told) this.#options.onZone(zone)
  }

  #grouped(view: FleetView): Map<ZoneId, Known> {
    const now = this.#options.clock.now()
    const layers = new Map<ZoneId, LayerView[]>(view.barred.map((zone) => [zone, []]))
    for (const layer of view.layers) {
      const { zone } = parseLayerId(layer.layer)
      const known = layers.get(zone)
      if (known === undefined) layers.set(zone, [layer])
      else known.push(layer)
    }
    const barred = new Set(view.barred)
    const grouped = new Map<ZoneId, Known>()
    for (const [zone, own] of layers) {
      own.sort((a, b) => parseLayerId(a.layer).index - parseLayerId(b.layer).index)
      const emptyBefore = this.#zones.get(zone)?.emptySince
      const empty = own.flatMap(({ layer, state, players }): [LayerId, number][] =>
        state === 'Serving' && players === 0 ? [[layer, emptyBefore?.get(layer) ?? now]] : [],
      )
      grouped.set(zone, { barred: barred.has(zone), layers: own, emptySince: new Map(empty) })
    }
    return grouped
  }
}

function differs(a: Known | undefined, b: Known | undefined): boolean {
  if (a === undefined || b === undefined) return a !== b
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
      layer.node !== other.node ||
      layer.endpoints.join() !== other.endpoints.join()
    )
  })
}
