import { carriedItem, notCarried, putDown, tellInventory } from './inventory.ts'
import type { Rule } from './rule.ts'

export interface DropBody {
  readonly kind: 'drop'
  readonly item: string
}

/** Puts an item of the inventory where its carrier stands. */
export const drop: Rule<DropBody> = {
  code: 5,
  write: (to, { item }) => to.text(item),
  read: (from) => ({ kind: 'drop', item: from.text() }),
  apply(state, player, { item }, out, sequence) {
    const entity = carriedItem(state, player, item)
    if (entity === undefined) {
      out.refuse(player.character, sequence, notCarried(item))
      return
    }
    putDown(state, player, entity)
    tellInventory(state, player, out)
  },
}
