import { MAX_INVENTORY } from '../../../core/chains.ts'
import type { LayerState, Player } from '../state.ts'
import { carriedItem, isWithinReach, notCarried, REACH, takeItem, tellInventory, withoutItem } from './inventory.ts'
import type { Refusal, Rule } from './rule.ts'

export interface GiveBody {
  readonly kind: 'give'
  readonly item: string
  /** The entity of the avatar that is to have it. */
  readonly to: number
}

/** Hands an item of the inventory to somebody within reach. */
export const give: Rule<GiveBody> = {
  code: 8,
  write(to, body) {
    to.text(body.item)
    to.varint(body.to)
  },
  read: (from) => ({ kind: 'give', item: from.text(), to: from.varint() }),
  judge(before, player, { to }) {
    return receiverOf(before, player, to) !== undefined && isWithinReach(before, player.entity, to) ? undefined : nobody(to)
  },
  apply(state, player, { item, to }, out, sequence) {
    const refuse = (refusal: Refusal): void => out.refuse(player.character, sequence, refusal)
    const receiver = receiverOf(state, player, to)
    if (receiver === undefined) return refuse(nobody(to))
    const entity = carriedItem(state, player, item)
    if (entity === undefined) return refuse(notCarried(item))
    if (receiver.inventory.length >= MAX_INVENTORY) return refuse(full(receiver))
    withoutItem(state, player, entity)
    takeItem(state, receiver, entity)
    tellInventory(state, player, out)
    tellInventory(state, receiver, out)
  },
}

function receiverOf({ residents }: LayerState, giver: Player, entity: number): Player | undefined {
  return entity === giver.entity ? undefined : residents[entity]
}

function full(receiver: Player): Refusal {
  return { code: 'InventoryFull', parts: { found: `${MAX_INVENTORY} items with ${receiver.name}` } }
}

function nobody(to: number): Refusal {
  return { code: 'NobodyThere', parts: { asked: `entity ${to}`, todo: `name an avatar within ${REACH} mm` } }
}
