import { foldName, type Item } from '../../core/chains.ts'
import { type LayerId, parseLayerId, type ZoneId } from '../../core/ids.ts'
import { EntityTable } from './entities.ts'
import { habitable, populate } from './populate.ts'
import { type Random, seedRandom } from './random.ts'
import { Outbox } from './release.ts'
import type { SimulationSettings } from './settings.ts'
import { HashMemory } from './state-hash.ts'

/** The state of a layer: all of it, and nothing that is not its own. Changed only by `step`. */
export interface LayerState {
  readonly layer: LayerId
  readonly zone: ZoneId
  settings: SimulationSettings
  /** The last tick that was stepped; 0 before the first. */
  tick: number
  readonly random: Random
  readonly entities: EntityTable
  /** Residents by character id. */
  readonly players: Map<string, Player>
  /** Residents by folded name: follows from `players`, so it is in no snapshot and no hash. */
  readonly byName: Map<string, Player>
  /** Residents by the entity that is their avatar; follows from `players`, too. */
  readonly residents: (Player | undefined)[]
  /** What is to leave the layer for good, by id `tick/k`, in the order of leaving. */
  readonly outbox: Outbox
  readonly hashMemory: HashMemory
}

export type { Release } from './release.ts'
export type { SimulationSettings } from './settings.ts'

/** A resident. */
export interface Player {
  readonly character: string
  readonly account: string
  readonly name: string
  /** When the character was made: milliseconds since the epoch, only carried along. */
  readonly createdAt: number
  /** The number of the `held` record that made it resident. */
  readonly version: number
  readonly entity: number
  /** Entities of the items carried, in the order they were taken. */
  readonly inventory: number[]
  inputSequence: number
  /** The tick from which it has no connection; 0: it has one. */
  linkDeadSince: number
}

/** The state of a layer in which nothing ever happened: nobody is there but what the zone's content put there. */
export function newState(layer: LayerId, settings: SimulationSettings): LayerState {
  const state = emptyState(layer, habitable(settings), 0, seedRandom(layer))
  populate(state)
  return state
}

/** A state without players and entities, to be filled by the reader of a snapshot. */
export function emptyState(layer: LayerId, settings: SimulationSettings, tick: number, random: Random): LayerState {
  return {
    layer,
    zone: parseLayerId(layer).zone,
    settings,
    tick,
    random,
    entities: new EntityTable(),
    players: new Map(),
    byName: new Map(),
    residents: [],
    outbox: new Outbox(),
    hashMemory: new HashMemory(),
  }
}

export function addPlayer(state: LayerState, player: Player): void {
  state.players.set(player.character, player)
  state.byName.set(foldName(player.name), player)
  while (state.residents.length <= player.entity) state.residents.push(undefined)
  state.residents[player.entity] = player
  state.entities.touch(player.entity)
}

export function removePlayer(state: LayerState, player: Player): void {
  state.players.delete(player.character)
  state.byName.delete(foldName(player.name))
  state.residents[player.entity] = undefined
}

/** The items that a resident carries. */
export function inventoryOf(state: LayerState, player: Player): Item[] {
  return player.inventory.map((id) => ({ id: state.entities.label[id] ?? '', kind: state.entities.name[id] ?? '' }))
}

/** True when the character is here or on its way out. */
export function isLeaving(state: LayerState, character: string): boolean {
  for (const release of state.outbox.values()) if (release.character === character) return true
  return false
}
