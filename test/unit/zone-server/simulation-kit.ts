import { type CharacterState, MAX_INVENTORY, MAX_STAT } from '../../../core/chains.ts'
import { parseContent, type ZoneContent } from '../../../core/content.ts'
import { boundsInMillimetres, contains } from '../../../core/geometry.ts'
import { isBlocked } from '../../../zone-server/simulation/collision.ts'
import { contentSettings } from '../../../zone-server/simulation/content.ts'
import { AVATAR, FREE, ITEM } from '../../../zone-server/simulation/entities.ts'
import { type Arrival, type Input, LAYER, type LayerBody } from '../../../zone-server/simulation/input.ts'
import { type LayerState, newState, type SimulationSettings } from '../../../zone-server/simulation/state.ts'

export const LAYER_ID = 'game/meadow/0'
export const settings: SimulationSettings = {
  bounds: boundsInMillimetres({ min: { x: 0, y: 0 }, max: { x: 1_000, y: 1_000 } }),
  tickRateHz: 20,
  linkDeadTicks: 200,
}
/** A small walled garden with two creatures that bite, seen from north to south: 20 m × 12 m, cells of 2 m. */
export const garden: ZoneContent = {
  hash: 'aaaaaaaaaaaaaaaa',
  ...parseContent({
    map: { cell: 2, origin: { x: 0, y: 0 }, rows: ['##########', '#....#...#', '#..#.#.#.#', '#..#...#.#', '#..#####.#', '##########'] },
    spawns: [{ x: 5, y: 9 }],
    respawns: [{ x: 17, y: 3 }],
    props: [{ kind: 'well', at: { x: 3, y: 3 }, heading: 64 }],
    creatures: [{ kind: 'wolf', home: { x: 5, y: 7 }, count: 2, wander: 4, speed: 2.5, bite: 30 }],
  }),
}
export const crampedSettings: SimulationSettings = {
  bounds: boundsInMillimetres({ min: { x: 1, y: 1 }, max: { x: 19.5, y: 11 } }),
  tickRateHz: 10,
  linkDeadTicks: 30,
  content: contentSettings(garden),
}
export const newcomer: CharacterState = { zone: null, position: null, inventory: [], inputSequence: 0 }

export function freshState(): LayerState {
  return newState(LAYER_ID, settings)
}

export function arrival(character: string, state: CharacterState = newcomer, version = 2): Arrival {
  return {
    character,
    account: `account-${character}`,
    name: character[0]?.toUpperCase() + character.slice(1),
    createdAt: 1_700_000_000_000,
    version,
    state,
  }
}

let sequence = 0
/** An input of the layer's shell. */
export function shell(body: LayerBody): Input {
  return { source: LAYER, sequence: ++sequence, body }
}

export function joins(character: string, state?: CharacterState): Input {
  return shell({ kind: 'join', arrival: arrival(character, state) })
}

/** What must hold of every state. Answers what does not. */
export function brokenInvariants(state: LayerState): string[] {
  const broken: string[] = []
  const { entities } = state
  const map = state.settings.content?.map
  const carriers = new Map<number, string>()
  for (const player of state.players.values()) {
    if (entities.kind[player.entity] !== AVATAR) broken.push(`${player.character} has no avatar`)
    if (state.residents[player.entity] !== player) broken.push(`${player.character} is not known by its avatar`)
    if (player.inventory.length > MAX_INVENTORY) broken.push(`${player.character} carries ${player.inventory.length} items`)
    const [health = 0, until = 0] = [entities.health[player.entity], entities.until[player.entity]]
    if (health > MAX_STAT || (entities.energy[player.entity] ?? 0) > MAX_STAT) broken.push(`${player.character} is better than good`)
    if ((health === 0) !== until > state.tick) broken.push(`${player.character} has health ${health}, and until ${until}`)
    if (state.byName.get(player.name.toLowerCase()) !== player) broken.push(`${player.character} is not known by name`)
    for (const item of player.inventory) {
      if (carriers.has(item)) broken.push(`item ${item} is carried by ${carriers.get(item)} and ${player.character}`)
      carriers.set(item, player.character)
      if (entities.kind[item] !== ITEM || entities.owner[item] !== player.entity)
        broken.push(`item ${item} of ${player.character} has another owner`)
    }
  }
  const labels = new Set<string>()
  let avatars = 0
  let free = 0
  for (let id = 1; id <= entities.highest; id++) {
    if (entities.kind[id] === FREE) free++
    else {
      if (entities.isPlaced(id) && !contains(state.settings.bounds, { x: entities.x[id] ?? 0, y: entities.y[id] ?? 0 }))
        broken.push(`entity ${id} is out of bounds`)
      if (map !== undefined && entities.isPlaced(id) && isBlocked(map, entities.x[id] ?? 0, entities.y[id] ?? 0))
        broken.push(`entity ${id} is in a wall`)
      const label = `${entities.kind[id]} ${entities.label[id]}`
      if (entities.label[id] !== '' && labels.has(label)) broken.push(`${label} exists twice`)
      labels.add(label)
    }
    if (entities.kind[id] === AVATAR) avatars++
    if (entities.kind[id] === ITEM && entities.items.get(entities.label[id] ?? '') !== id) broken.push(`item ${id} is not known by its id`)
    if (entities.kind[id] === ITEM && entities.owner[id] !== 0 && !carriers.has(id))
      broken.push(`item ${id} has an owner that does not carry it`)
  }
  if (avatars !== state.players.size) broken.push(`${avatars} avatars of ${state.players.size} players`)
  const freed = new Set<number>()
  for (let id = entities.freeHead; id !== 0 && !freed.has(id); id = entities.owner[id] ?? 0) freed.add(id)
  if (free !== entities.freeCount || freed.size !== free)
    broken.push(`${free} free slots, ${freed.size} of ${entities.freeCount} in the list`)
  return broken
}
