import { MAX_STAT } from '../../../core/chains.ts'
import { AVATAR } from '../entities.ts'
import type { Outputs } from '../output.ts'
import { place } from '../populate.ts'
import type { LayerState, Player } from '../state.ts'
import { clamp, halt } from './motion.ts'
import { startPlace } from './start.ts'

/** So much comes back every second. */
const HEALTH_A_SECOND = 1
const ENERGY_A_SECOND = 5
/** Who is down lies so long. */
const DOWN_SECONDS = 3

/** Takes from an avatar's health; at 0 it goes down. */
export function hurt(state: LayerState, player: Player, damage: number, out: Outputs): void {
  const { entities } = state
  const { entity } = player
  const before = entities.health[entity] ?? 0
  if (before === 0 || damage === 0) return
  entities.health[entity] = Math.max(0, before - damage)
  entities.touch(entity)
  if (entities.health[entity] === 0) {
    halt(state, entity)
    entities.until[entity] = state.tick + DOWN_SECONDS * state.settings.tickRateHz
  }
  tellStats(state, player, out)
}

/** Takes from an avatar's energy; false, and nothing taken, when there is less. */
export function tire(state: LayerState, player: Player, energy: number, out: Outputs): boolean {
  const before = state.entities.energy[player.entity] ?? 0
  if (before < energy) return false
  state.entities.energy[player.entity] = before - energy
  state.entities.touch(player.entity)
  tellStats(state, player, out)
  return true
}

/** Once a second everybody who is up recovers a little. */
export function recover(state: LayerState, out: Outputs): void {
  if (state.tick % state.settings.tickRateHz !== 0) return
  const { entities } = state
  for (let id = 1; id <= entities.highest; id++) {
    if (entities.kind[id] !== AVATAR) continue
    const [health = 0, energy = 0] = [entities.health[id], entities.energy[id]]
    if (health === 0 || (health === MAX_STAT && energy === MAX_STAT)) continue
    entities.health[id] = clamp(health + HEALTH_A_SECOND, 0, MAX_STAT)
    entities.energy[id] = clamp(energy + ENERGY_A_SECOND, 0, MAX_STAT)
    entities.touch(id)
    const player = state.residents[id]
    if (player !== undefined) tellStats(state, player, out)
  }
}

/** Whose time is up gets up, at a respawn point and as good as new. */
export function respawnDue(state: LayerState, out: Outputs): void {
  const { entities, tick } = state
  const due: Player[] = []
  for (const player of state.players.values()) {
    const until = entities.until[player.entity] ?? 0
    if (until !== 0 && until <= tick) due.push(player)
  }
  for (const player of due.sort((a, b) => a.entity - b.entity)) {
    const { entity } = player
    entities.until[entity] = 0
    entities.health[entity] = MAX_STAT
    entities.energy[entity] = MAX_STAT
    entities.touch(entity)
    place(state, entity, startPlace(state, 'Respawn'))
    tellStats(state, player, out)
  }
}

function tellStats({ entities }: LayerState, { character, entity }: Player, out: Outputs): void {
  out.tell(character, { kind: 'stats', health: entities.health[entity] ?? 0, energy: entities.energy[entity] ?? 0 })
}
