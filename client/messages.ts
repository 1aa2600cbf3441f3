import type { ServerMessage } from '../core/protocol/frame.ts'
import type { ZoneHandlers } from './handlers.ts'
import type { InputQueue } from './inputs.ts'
import { remoteError } from './problem.ts'
import type { PendingTells } from './tells.ts'
import type { ZoneView } from './view.ts'

export interface Kept {
  readonly view: ZoneView
  readonly inputs: InputQueue
  readonly tells: PendingTells
}

type Handle = () => void

/** Takes a message over into what the session keeps; gives the call that tells the player's side of it. Messages of a later protocol are passed over. */
export function takeMessage(body: ServerMessage['body'], { view, inputs, tells }: Kept, handlers: ZoneHandlers): Handle | undefined {
  switch (body.case) {
    case 'inventory': {
      const items = view.inventoryChanged(body.value.items)
      return () => handlers.inventory?.(items)
    }
    case 'refused': {
      const { code, message, sequence } = body.value
      inputs.refused(sequence)
      return () => handlers.refused?.(remoteError(code, message, 'Internal'), sequence)
    }
    case 'said':
      return () => handlers.said?.(body.value.from, body.value.text)
    case 'told':
      return () => handlers.told?.(body.value.from, body.value.text)
    case 'tellResult':
      tells.settle(body.value.id, body.value.delivered ? 'delivered' : 'unknown')
      return undefined
    case 'emoted':
      return () => handlers.emoted?.(view.entities.get(body.value.entity), body.value.emote)
    case 'stats': {
      const stats = view.statsChanged(body.value)
      return () => handlers.stats?.(stats)
    }
    case 'dataHeld':
      return () => handlers.held?.(body.value.held)
    default:
      return undefined
  }
}
