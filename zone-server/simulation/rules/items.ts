import { MAX_INVENTORY } from '../../../core/chains.ts'
import type { Outputs } from '../output.ts'
import { inventoryOf, type LayerState, type Player } from '../state.ts'
import { type Rule, refusal } from './rule.ts'

/** Millimetres. */
const REACH = 2_000

export const pickUp: Rule<'pickUp'> = (before, player, { entity }, sequence) => {
  const missing = refusal(player, sequence, 'ItemUnknown', { asked: `item ${entity}`, todo: `it must lie within ${REACH} mm` })
  if (!withinReach(before, player, entity)) return missing
  return (state, out) => {
    // Two hands may reach for it in the same tick: the first in canonical order has it.
    if (!state.entities.onGround(entity)) {
      missing(state, out)
      return
    }
    if (player.inventory.length >= MAX_INVENTORY) {
      out.refuse(player.character, sequence, 'InventoryFull', { found: `${MAX_INVENTORY} items`, todo: 'drop something first' })
      return
    }
    state.entities.owner[entity] = player.entity
    state.entities.x[entity] = 0
    state.entities.y[entity] = 0
    player.inventory.push(entity)
    tellInventory(state, player, out)
  }
}

export const drop: Rule<'drop'> = (_before, player, { item }, sequence) => {
  return (state, out) => {
    const { entities } = state
    const at = player.inventory.findIndex((id) => entities.label[id] === item)
    const entity = player.inventory[at]
    if (entity === undefined) {
      return out.refuse(player.character, sequence, 'ItemUnknown', {
        asked: `item ${item.slice(0, 80)}`,
        todo: 'drop what the inventory holds',
      })
    }
    player.inventory.splice(at, 1)
    entities.owner[entity] = 0
    entities.x[entity] = entities.x[player.entity] ?? 0
    entities.y[entity] = entities.y[player.entity] ?? 0
    tellInventory(state, player, out)
  }
}

function withinReach(state: LayerState, player: Player, item: number): boolean {
  const { x, y } = state.entities
  if (!state.entities.onGround(item)) return false
  const dx = Math.abs((x[item] ?? 0) - (x[player.entity] ?? 0))
  const dy = Math.abs((y[item] ?? 0) - (y[player.entity] ?? 0))
  return dx <= REACH && dy <= REACH && dx * dx + dy * dy <= REACH * REACH
}

function tellInventory(state: LayerState, player: Player, out: Outputs): void {
  out.tell(player.character, { kind: 'inventory', items: inventoryOf(state, player) })
}
