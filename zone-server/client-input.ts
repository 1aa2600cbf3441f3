import { BailiwickError } from '../core/errors.ts'
import { type ClientMessage, MAX_TEXT } from '../core/protocol/frame.ts'
import type { PlayerBody } from './simulation/input.ts'

/** Names of characters and ids of items are shorter than this; longer ones name nobody. */
const MAX_NAME = 200

/**
 * What a message of a resident's client asks for, in the simulation's words. Judges the form alone, bounded and before anything is queued; rules are the simulation's.
 * Throws TextInvalid or FrameInvalid.
 */
export function playerBody({ body }: ClientMessage): PlayerBody {
  switch (body.case) {
    case 'move':
      return { kind: 'move', vx: body.value.vx, vy: body.value.vy }
    case 'say':
      return { kind: 'say', text: checkedText(body.value.text) }
    case 'tell':
      return { kind: 'tell', to: checkedName(body.value.to), text: checkedText(body.value.text), id: body.value.id }
    case 'pickUp':
      return { kind: 'pickUp', entity: body.value.entity }
    case 'drop':
      return { kind: 'drop', item: checkedName(body.value.item) }
    case 'give':
      return { kind: 'give', item: checkedName(body.value.item), to: body.value.to }
    case 'emote':
      return { kind: 'emote', emote: body.value.emote }
    case 'look':
      return { kind: 'look' }
    case 'leave':
      return { kind: 'leave' }
    default:
      throw new BailiwickError('FrameInvalid', { asked: body.case ?? 'nothing', found: 'a message that is no input' })
  }
}

function checkedText(text: string): string {
  const length = [...text].length
  if (text.trim() === '' || length > MAX_TEXT || /\p{Cc}|\p{Cs}/u.test(text)) {
    throw new BailiwickError('TextInvalid', {
      found: `${length} characters`,
      todo: `write 1 to ${MAX_TEXT} characters without control characters`,
    })
  }
  return text
}

function checkedName(name: string): string {
  if (name.length > MAX_NAME)
    throw new BailiwickError('FrameInvalid', { found: `a name of ${name.length} characters`, todo: `at most ${MAX_NAME}` })
  return name
}
