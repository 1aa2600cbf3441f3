import type { LayerId, ZoneId } from '../../core/ids.ts'
import type { IndexRules } from '../../core/index-rules.ts'
import type { FleetNews, ZoneNews } from '../../core/ports/index-port.ts'
import type { ZoneSettings } from '../../core/settings.ts'
import { isDropped, readFleetView, readLayerView } from './answers.ts'

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

type FleetAnswer = readonly [string, readonly string[], unknown, (readonly string[])?]

export function readFleetNews(answer: unknown, counted: boolean, rules: IndexRules): FleetNews {
  const [position, counts, records, changed = []] = answer as FleetAnswer
  const players = counted ? new Map(pairs(counts).map(([layer, count]) => [layer as LayerId, Number(count)])) : undefined
  if (records !== null) return { position, whole: true, layers: readFleetView(records, rules).layers, gone: [], players }
  const layers = []
  const gone: LayerId[] = []
  for (const [id, text] of pairs(changed)) {
    if (isDropped(text)) gone.push(id as LayerId)
    else layers.push(readLayerView(id as LayerId, text))
  }
  return { position, whole: false, layers, gone, players }
}

function readSettings(text: string): ZoneSettings {
  return JSON.parse(text) as ZoneSettings
}

function pairs<T>(flat: readonly T[]): [string, T][] {
  return Array.from({ length: flat.length / 2 }, (_, at) => [flat[at * 2] as string, flat[at * 2 + 1] as T])
}
