import { EMOTES } from '../../../core/protocol/emotes.ts'
import type { Rule } from './rule.ts'
import { tire } from './vitals.ts'

export interface EmoteBody {
  readonly kind: 'emote'
  /** Which of EMOTES, from 1 on. */
  readonly emote: number
}

const EMOTE_ENERGY = 5

/** A gesture that everybody sees who sees the avatar. It costs energy, so nobody gesticulates without end. */
export const emote: Rule<EmoteBody> = {
  code: 9,
  write: (to, body) => to.varint(body.emote),
  read: (from) => ({ kind: 'emote', emote: from.varint() }),
  judge(_before, _player, body) {
    if (body.emote >= 1 && body.emote <= EMOTES.length) return undefined
    return { code: 'InvalidInput', parts: { asked: `emote ${body.emote}`, todo: `name one from 1 to ${EMOTES.length}` } }
  },
  apply(state, player, body, out, sequence) {
    if (tire(state, player, EMOTE_ENERGY, out)) out.tellAll({ kind: 'emoted', entity: player.entity, emote: body.emote })
    else out.refuse(player.character, sequence, { code: 'TooTired', parts: { todo: `${EMOTE_ENERGY} of energy are needed` } })
  },
}
