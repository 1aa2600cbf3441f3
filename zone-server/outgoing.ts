import { BailiwickError, type ErrorCode } from '../core/errors.ts'
import { encodeServerMessage } from '../core/protocol/frame.ts'
import type { Captured } from './seat.ts'
import type { PlayerMessage } from './simulation/output.ts'
import { MAX_SPEED } from './simulation/rules/motion.ts'
import type { LayerState } from './simulation/state.ts'

/** The frame of a refusal. */
export function refusedFrame(error: BailiwickError, sequence = 0): Uint8Array {
  return encodeServerMessage({ body: { case: 'refused', value: { code: error.code, message: error.message, sequence } } })
}

export function goodbyeFrame(reason: string): Uint8Array {
  return encodeServerMessage({ body: { case: 'goodbye', value: { reason } } })
}

export function redirectFrame(reason: string, retryAfterMs: number): Uint8Array {
  return encodeServerMessage({ body: { case: 'redirect', value: { reason, retryAfterMs } } })
}

/** The layer stands still, because nothing can be confirmed just now; or goes on. */
export function heldFrame(held: boolean): Uint8Array {
  return encodeServerMessage({ body: { case: 'dataHeld', value: { held } } })
}

export function pongFrame(nonce: number): Uint8Array {
  return encodeServerMessage({ body: { case: 'pong', value: { nonce } } })
}

/** The frame of a message of the simulation, once the epoch is known; undefined for those that concern the view alone. */
export function messageFrame(state: LayerState, character: string, message: PlayerMessage): Captured | undefined {
  if (message.kind === 'look') return undefined
  if (message.kind === 'welcome') return welcomeFrame(state, character, message)
  const frame = plainFrame(message)
  return () => frame
}

function plainFrame(message: Exclude<PlayerMessage, { readonly kind: 'look' | 'welcome' }>): Uint8Array {
  switch (message.kind) {
    case 'refused':
      return refused(message.code, message)
    case 'said':
      return encodeServerMessage({ body: { case: 'said', value: { from: message.from, text: message.text } } })
    case 'told':
      return encodeServerMessage({ body: { case: 'told', value: { from: message.from, text: message.text } } })
    case 'tellResult':
      return encodeServerMessage({ body: { case: 'tellResult', value: { id: message.id, delivered: message.delivered } } })
    case 'emoted':
      return encodeServerMessage({ body: { case: 'emoted', value: { entity: message.entity, emote: message.emote } } })
    case 'stats':
      return encodeServerMessage({ body: { case: 'stats', value: { health: message.health, energy: message.energy } } })
    case 'inventory':
      return encodeServerMessage({ body: { case: 'inventory', value: { items: [...message.items] } } })
  }
}

function refused(code: ErrorCode, message: Extract<PlayerMessage, { kind: 'refused' }>): Uint8Array {
  return refusedFrame(new BailiwickError(code, message.parts), message.sequence)
}

function welcomeFrame(state: LayerState, character: string, message: Extract<PlayerMessage, { kind: 'welcome' }>): Captured {
  const { bounds, tickRateHz } = state.settings
  const value = {
    layer: state.layer,
    tick: state.tick,
    tickRate: tickRateHz,
    entity: message.entity,
    character,
    name: message.name,
    minX: bounds.min.x,
    minY: bounds.min.y,
    maxX: bounds.max.x,
    maxY: bounds.max.y,
    maxSpeed: MAX_SPEED,
    acknowledged: message.acknowledged,
    inventory: [...message.inventory],
  }
  return (epoch) => encodeServerMessage({ body: { case: 'welcome', value: { ...value, epoch } } })
}
