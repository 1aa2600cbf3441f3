import { chains } from '../core/chains.ts'
import { readCharacterRecord } from '../core/character-record.ts'
import type { ZoneContent } from '../core/content.ts'
import { boundsInMillimetres } from '../core/geometry.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { Store } from '../core/ports/store-port.ts'
import type { ZoneSettings } from '../core/settings.ts'
import { LINK_DEAD_AFTER } from '../core/timing.ts'
import { contentSettings } from './simulation/content.ts'
import type { LayerBody } from './simulation/input.ts'
import { sameSettings } from './simulation/settings.ts'
import type { LayerState, Player, SimulationSettings } from './simulation/state.ts'

/** So many characters' chains are read at once. */
const READS_AT_ONCE = 16

/** The part of a zone's settings that the simulation knows. */
export function simulationSettings(zone: ZoneSettings, content?: ZoneContent): SimulationSettings {
  const { tickRateHz } = zone
  return {
    bounds: boundsInMillimetres(zone.bounds),
    tickRateHz,
    linkDeadTicks: Math.ceil((LINK_DEAD_AFTER / 1_000) * tickRateHz),
    ...(content === undefined ? {} : { content: contentSettings(content) }),
  }
}

/** What `open` and `snapshot` say of a zone's content. Empty: it has none. */
export function contentHash({ content }: SimulationSettings): string {
  return content?.hash ?? ''
}

/**
 * The first inputs of a layer that was claimed: the settings of today, when they are others; residents that are not this layer's any more vanish; the others have no connection
 * yet. Throws StoreUnavailable, StoreCorrupt.
 */
export async function firstInputs(state: LayerState, settings: SimulationSettings, store: Store, log: Log): Promise<LayerBody[]> {
  const inputs: LayerBody[] = sameSettings(settings, state.settings) ? [] : [{ kind: 'configure', settings }]
  const residents = [...state.players.values()]
  for (let from = 0; from < residents.length; from += READS_AT_ONCE) {
    const judged = residents.slice(from, from + READS_AT_ONCE).map(async (player): Promise<LayerBody> => {
      if (await isHeld(state, player, store)) return { kind: 'linkDead', character: player.character }
      log.warn({ layer: state.layer, character: player.character, version: player.version }, 'a resident is not this layer’s any more')
      return { kind: 'forget', character: player.character }
    })
    inputs.push(...(await Promise.all(judged)))
  }
  return inputs
}

async function isHeld(state: LayerState, { character, version }: Player, store: Store): Promise<boolean> {
  const chain = chains.character(character)
  const entry = await store.head(chain)
  if (entry?.n !== version) return false
  const record = readCharacterRecord(chain, entry)
  return record.kind === 'held' && record.layer === state.layer
}
