import { FREE } from '../entities.ts'
import type { LayerBody } from '../layer-input.ts'
import type { Outputs } from '../output.ts'
import type { LayerState } from '../state.ts'
import { clamp } from './motion.ts'
import { depart, forget, join, linkDead, linkUp } from './presence.ts'

/** Applies an input of the layer's shell. What it names and is not there (any more) is passed over: the shell spoke of an older tick. */
export function applyLayerInput(state: LayerState, body: LayerBody, out: Outputs): void {
  switch (body.kind) {
    case 'join':
      join(state, body.arrival, out)
      break
    case 'released':
      state.outbox.delete(body.id)
      break
    case 'configure':
      configure(state, body.settings)
      break
    default:
      applyToResident(state, body, out)
  }
}

function applyToResident(state: LayerState, body: Extract<LayerBody, { readonly character: string }>, out: Outputs): void {
  const player = state.players.get(body.character)
  if (player === undefined) return
  switch (body.kind) {
    case 'linkDead':
      linkDead(state, player)
      break
    case 'linkUp':
      linkUp(state, player, out)
      break
    case 'expel':
      depart(state, player, body.reason, out)
      break
    case 'forget':
      forget(state, player, out)
      break
  }
}

/** Takes new settings over; whatever stands outside new bounds is put on their edge. */
export function configure(state: LayerState, settings: LayerState['settings']): void {
  const { entities } = state
  const rateChanged = settings.tickRateHz !== state.settings.tickRateHz
  state.settings = settings
  for (let id = 1; id <= entities.highest; id++) {
    // What is carried is where its carrier is.
    if (entities.kind[id] === FREE || entities.owner[id] !== 0) continue
    entities.show(id)
    entities.x[id] = clamp(entities.x[id] ?? 0, settings.bounds.min.x, settings.bounds.max.x)
    entities.y[id] = clamp(entities.y[id] ?? 0, settings.bounds.min.y, settings.bounds.max.y)
    if (rateChanged) {
      entities.restX[id] = 0
      entities.restY[id] = 0
    }
  }
}
