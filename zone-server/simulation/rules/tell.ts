import { foldName } from '../../../core/chains.ts'
import type { Rule } from './rule.ts'

export interface TellBody {
  readonly kind: 'tell'
  readonly to: string
  readonly text: string
  readonly id: number
}

/** To one player in the layer. Sent again after a lost connection it is not heard again: its sequence number is applied at most once, as every input's. */
export const tell: Rule<TellBody> = {
  code: 3,
  whileDown: true,
  write(to, body) {
    to.text(body.to)
    to.text(body.text)
    to.varint(body.id)
  },
  read: (from) => ({ kind: 'tell', to: from.text(), text: from.text(), id: from.varint() }),
  apply(state, player, { to, text, id }, out) {
    const addressee = state.byName.get(foldName(to))
    const delivered = addressee !== undefined && addressee.linkDeadSince === 0
    if (delivered) out.tell(addressee.character, { kind: 'told', from: player.name, text })
    out.tell(player.character, { kind: 'tellResult', id, delivered })
  },
}
