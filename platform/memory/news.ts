import type { LayerId, ZoneId } from '../../core/ids.ts'
import type { FleetChange, FleetNews, LayerView, ZoneNews } from '../../core/ports/index-port.ts'
import type { ZoneSettings } from '../../core/settings.ts'
import type { FleetState } from './records.ts'
import { barredZones, fleetView, hostViews, layerView } from './views.ts'

/** What changed since a position. platform/redis/library/news.lua is the same in Lua. */

/** With more changes than this everything is answered. */
const NEWS_LIMIT = 1_000

/** The newest changes, as many as are kept, and where each stands. */
export interface ChangeLog<Change> {
  readonly position: string
  add(change: Change): void
  /** The changes after a position; undefined when some of them may be lost, or are too many. */
  after(position: string | undefined): readonly Change[] | undefined
  /** Everything is lost: no earlier position is known any more. */
  clear(): void
}

export function createChangeLog<Change>(kept: number): ChangeLog<Change> {
  let changes: Change[] = []
  let life = 0
  let last = 0
  return {
    get position() {
      return `${life}-${last}`
    },
    add(change) {
      changes.push(change)
      last += 1
      // Half more than is kept before any is dropped, so that not every change moves them all.
      if (changes.length > kept * 1.5) changes = changes.slice(-kept)
    },
    after(position) {
      const [known, number] = (position ?? '').split('-').map(Number)
      if (known !== life || number === undefined) return undefined
      const missed = last - number
      return missed < 0 || missed > Math.min(NEWS_LIMIT, changes.length) ? undefined : changes.slice(changes.length - missed)
    },
    clear() {
      changes = []
      life += 1
      last = 0
    },
  }
}

export function zoneNews(settings: ReadonlyMap<ZoneId, ZoneSettings>, log: ChangeLog<ZoneId>, since: string | undefined): ZoneNews {
  const { position } = log
  const changed = log.after(since)
  if (changed === undefined) return { position, whole: true, settings: structuredClone([...settings.values()]), gone: [] }
  const zones = [...new Set(changed)]
  const found = zones.map((zone) => settings.get(zone)).filter((one) => one !== undefined)
  return { position, whole: false, settings: structuredClone(found), gone: zones.filter((zone) => !settings.has(zone)) }
}

export interface FleetAsked {
  readonly since: string | undefined
  readonly counts: boolean
  readonly hosts: boolean
}

export function fleetNews(fleet: FleetState, log: ChangeLog<FleetChange>, { since, counts, hosts }: FleetAsked): FleetNews {
  const { position } = log
  const common = {
    position,
    players: counts ? playersOf(fleet) : undefined,
    hosts: hosts ? hostViews(fleet) : undefined,
    barred: hosts ? barredZones(fleet) : undefined,
  }
  const changed = log.after(since)
  if (changed === undefined) return { ...common, whole: true, layers: fleetView(fleet).layers, gone: [] }
  const ids = [...new Set(changed.flatMap((change) => layersOf(fleet, change)))]
  const layers: LayerView[] = ids.filter((id) => fleet.layers.has(id)).map((id) => layerView(fleet, id))
  return { ...common, whole: false, layers, gone: ids.filter((id) => !fleet.layers.has(id)) }
}

/** A host's endpoints are part of what is said of its layers. */
function layersOf(fleet: FleetState, change: FleetChange): readonly LayerId[] {
  if (change.kind === 'layer') return [change.layer]
  return change.kind === 'host' ? [...(fleet.held.get(change.host) ?? [])] : []
}

function playersOf(fleet: FleetState): ReadonlyMap<LayerId, number> {
  return new Map([...fleet.layers.values()].filter(({ players }) => players > 0).map(({ layer, players }) => [layer, players]))
}
