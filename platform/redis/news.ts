import type { LayerId, ZoneId } from '../../core/ids.ts'
import type { IndexRules } from '../../core/index-rules.ts'
import type { FleetNews, ZoneNews } from '../../core/ports/index-port.ts'
import type { ZoneSettings } from '../../core/settings.ts'
import { type HostsAnswer, isDropped, readFleetView, readHosts, readLayerView } from './answers.ts'

/** What library/news.lua answers, read. Lua's false comes as null. */

type ZoneAnswer = readonly [string, readonly string[]] | readonly [string, null, readonly (string | null)[]]

export function readZoneNews(answer: unknown): ZoneNews {
  const [position, all, changed = []] = answer as ZoneAnswer
  if (all !== null) return { position, whole: true, settings: all.map(readSettings), gone: [] }
  const settings: ZoneSettings[] = []
  const gone: ZoneId[] = []
  for (const [zone, text] of pairs(changed)) {
    if (text === null) gone.push(zone as ZoneId)
    else settings.push(readSettings(text))
  }
  return { position, whole: false, settings, gone }
}

type FleetAnswer = readonly [string, readonly string[], unknown, readonly string[], HostsAnswer | null]

export interface NewsAsked {
  readonly counts: boolean
  readonly hosts: boolean
  readonly rules: IndexRules
}

export function readFleetNews(answer: unknown, asked: NewsAsked): FleetNews {
  const [position, counts, records, changed, hosts] = answer as FleetAnswer
  const common = {
    position,
    players: asked.counts ? new Map(pairs(counts).map(([layer, count]) => [layer as LayerId, Number(count)])) : undefined,
    ...(hosts === null ? { hosts: undefined, barred: undefined } : readHosts(hosts, asked.rules)),
  }
  if (records !== null) return { ...common, whole: true, layers: readFleetView(records, asked.rules).layers, gone: [] }
  const layers = []
  const gone: LayerId[] = []
  for (const [id, text] of pairs(changed)) {
    if (isDropped(text)) gone.push(id as LayerId)
    else layers.push(readLayerView(id as LayerId, text))
  }
  return { ...common, whole: false, layers, gone }
}

function readSettings(text: string): ZoneSettings {
  return JSON.parse(text) as ZoneSettings
}

function pairs<T>(flat: readonly T[]): [string, T][] {
  return Array.from({ length: flat.length / 2 }, (_, at) => [flat[at * 2] as string, flat[at * 2 + 1] as T])
}
