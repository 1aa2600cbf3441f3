import { MAX_INVENTORY } from '../../../core/chains.ts'
import { isWithinReach, REACH, takeItem, tellInventory } from './inventory.ts'
import type { Refusal, Rule } from './rule.ts'

export interface PickUpBody {
  readonly kind: 'pickUp'
  readonly entity: number
}

/** Takes an item from the ground. */
export const pickUp: Rule<PickUpBody> = {
  code: 4,
  write: (to, { entity }) => to.varint(entity),
  read: (from) => ({ kind: 'pickUp', entity: from.varint() }),
  judge(before, player, { entity }) {
    return before.entities.onGround(entity) && isWithinReach(before, player.entity, entity) ? undefined : missing(entity)
  },
  apply(state, player, { entity }, out, sequence) {
    // Two hands may reach for it in the same tick: the first in canonical order has it.
    if (!state.entities.onGround(entity)) {
      out.refuse(player.character, sequence, missing(entity))
    } else if (player.inventory.length >= MAX_INVENTORY) {
      const parts = { found: `${MAX_INVENTORY} items`, todo: 'drop something first' }
      out.refuse(player.character, sequence, { code: 'InventoryFull', parts })
    } else {
      takeItem(state, player, entity)
      tellInventory(state, player, out)
    }
  },
}

function missing(entity: number): Refusal {
  return { code: 'ItemUnknown', parts: { asked: `item ${entity}`, todo: `it must lie within ${REACH} mm` } }
}
