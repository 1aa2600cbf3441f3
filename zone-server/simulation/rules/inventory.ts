import type { Outputs } from '../output.ts'
import { inventoryOf, type LayerState, type Player } from '../state.ts'
import type { Refusal } from './rule.ts'

/** How far a hand reaches, in millimetres. */
export const REACH = 2_000

/** True when one entity is within another's reach. */
export function isWithinReach({ entities: { x, y } }: LayerState, one: number, other: number): boolean {
  const dx = Math.abs((x[one] ?? 0) - (x[other] ?? 0))
  const dy = Math.abs((y[one] ?? 0) - (y[other] ?? 0))
  // Each part first: the squares of two 32-bit numbers would not be exact.
  return dx <= REACH && dy <= REACH && dx * dx + dy * dy <= REACH * REACH
}

/** The entity of an item that a resident carries, by the item's id. */
export function carriedItem({ entities }: LayerState, player: Player, item: string): number | undefined {
  const id = entities.items.get(item)
  return id !== undefined && entities.owner[id] === player.entity ? id : undefined
}

/** An item comes into a resident's inventory, from wherever it was. */
export function takeItem({ entities }: LayerState, player: Player, item: number): void {
  entities.owner[item] = player.entity
  entities.x[item] = 0
  entities.y[item] = 0
  player.inventory.push(item)
  entities.touch(player.entity)
  entities.show(item)
}

/** An item goes out of a resident's inventory. */
export function withoutItem({ entities }: LayerState, player: Player, item: number): void {
  player.inventory.splice(player.inventory.indexOf(item), 1)
  entities.touch(player.entity)
}

/** An item of the inventory comes to lie where its carrier stands. */
export function putDown(state: LayerState, player: Player, item: number): void {
  const { entities } = state
  withoutItem(state, player, item)
  entities.owner[item] = 0
  entities.x[item] = entities.x[player.entity] ?? 0
  entities.y[item] = entities.y[player.entity] ?? 0
  entities.show(item)
}

export function tellInventory(state: LayerState, player: Player, out: Outputs): void {
  out.tell(player.character, { kind: 'inventory', items: inventoryOf(state, player) })
}

export function notCarried(item: string): Refusal {
  return { code: 'ItemUnknown', parts: { asked: `item ${item.slice(0, 80)}`, todo: 'name what the inventory holds' } }
}
