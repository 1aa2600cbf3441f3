import type { FleetId, LayerId, ZoneId } from '../../../core/ids.ts'
import type { LayerView, ZoneIndex } from '../../../core/ports/index-port.ts'
import type { Log } from '../../../core/ports/log-port.ts'
import { Follower } from './follower.ts'
import { zoneOf } from './zone-entry.ts'

export interface FleetCopyOptions {
  readonly fleet: FleetId
  readonly index: Pick<ZoneIndex, 'fleetNews' | 'watchFleet'>
  /** False: one connection less, and changes are seen when it is time. */
  readonly watched: boolean
  readonly log: Log
  /** A layer of the zone is otherwise, or gone. */
  readonly onZone: (zone: ZoneId) => void
  /** What is new was taken over, and `asOf` says so. */
  readonly onRead: () => void
}

/** The layers of one fleet. */
export class FleetCopy {
  readonly #options: FleetCopyOptions
  readonly #zones = new Map<ZoneId, Map<LayerId, LayerView>>()
  readonly #follower: Follower
  #position: string | undefined

  constructor(options: FleetCopyOptions) {
    const { fleet, index, watched, log, onRead } = options
    this.#options = options
    this.#follower = new Follower({
      name: fleet,
      read: (periodic) => this.#read(periodic),
      watch: watched ? (onChange, signal) => index.watchFleet(fleet, onChange, signal) : undefined,
      onRead,
      log,
    })
  }

  get asOf(): number {
    return this.#follower.asOf
  }

  get watched(): boolean {
    return this.#options.watched
  }

  start(): Promise<void> {
    return this.#follower.start()
  }

  stop(): void {
    this.#follower.stop()
  }

  /** The layers of a zone that have a record. */
  layersOf(zone: ZoneId): readonly LayerView[] {
    return [...(this.#zones.get(zone)?.values() ?? [])]
  }

  #all(): readonly LayerView[] {
    return [...this.#zones.values()].flatMap((layers) => [...layers.values()])
  }

  async #read(periodic: boolean): Promise<void> {
    const { fleet, index } = this.#options
    const news = await index.fleetNews(fleet, this.#position, periodic)
    if (news.whole) {
      const known = new Set(news.layers.map((view) => view.layer))
      for (const { layer } of this.#all()) if (!known.has(layer)) this.#drop(layer)
    }
    for (const view of news.layers) this.#put(view)
    for (const layer of news.gone) this.#drop(layer)
    if (news.players !== undefined) this.#count(news.players)
    // Only now: what was not taken over is read again.
    this.#position = news.position
  }

  #count(players: ReadonlyMap<LayerId, number>): void {
    for (const view of this.#all()) {
      const count = players.get(view.layer) ?? 0
      if (count !== view.players) this.#put({ ...view, players: count })
    }
  }

  #put(view: LayerView): void {
    const zone = zoneOf(view.layer)
    const layers = this.#zones.get(zone) ?? new Map()
    this.#zones.set(zone, layers.set(view.layer, view))
    this.#options.onZone(zone)
  }

  #drop(layer: LayerId): void {
    const zone = zoneOf(layer)
    const layers = this.#zones.get(zone)
    layers?.delete(layer)
    if (layers?.size === 0) this.#zones.delete(zone)
    this.#options.onZone(zone)
  }
}
