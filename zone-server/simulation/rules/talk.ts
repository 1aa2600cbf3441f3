import { foldName } from '../../../core/chains.ts'
import type { Rule } from './rule.ts'

export const say: Rule<'say'> = (_before, player, { text }) => {
  return (_state, out) => out.tellAll({ kind: 'said', from: player.name, text })
}

export const tell: Rule<'tell'> = (_before, player, { to, text, id }) => {
  return (state, out) => {
    const addressee = state.byName.get(foldName(to))
    const delivered = addressee !== undefined && addressee.linkDeadSince === 0
    if (delivered) out.tell(addressee.character, { kind: 'told', from: player.name, text })
    out.tell(player.character, { kind: 'tellResult', id, delivered })
  }
}

export const look: Rule<'look'> = (_before, player) => {
  return (_state, out) => out.tell(player.character, { kind: 'look' })
}
