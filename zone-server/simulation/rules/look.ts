import type { Rule } from './rule.ts'

export interface LookBody {
  readonly kind: 'look'
}

/** Asks to be told again of everything in view. */
export const look: Rule<LookBody> = {
  code: 6,
  whileDown: true,
  write: () => {},
  read: () => ({ kind: 'look' }),
  apply(_state, player, _body, out) {
    out.tell(player.character, { kind: 'look' })
  },
}
