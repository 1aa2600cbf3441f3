import type { Rule } from './rule.ts'

export interface SayBody {
  readonly kind: 'say'
  readonly text: string
}

/** To everybody in the layer. */
export const say: Rule<SayBody> = {
  code: 2,
  whileDown: true,
  write: (to, { text }) => to.text(text),
  read: (from) => ({ kind: 'say', text: from.text() }),
  apply(_state, player, { text }, out) {
    out.tellAll({ kind: 'said', from: player.name, text })
  },
}
