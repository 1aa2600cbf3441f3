import { depart } from './presence.ts'
import type { Rule } from './rule.ts'

export interface LeaveBody {
  readonly kind: 'leave'
}

export const leave: Rule<LeaveBody> = {
  code: 7,
  whileDown: true,
  write: () => {},
  read: () => ({ kind: 'leave' }),
  apply(state, player, _body, out) {
    depart(state, player, 'Left', out)
  },
}
