import type { LayerBody } from '../layer-input.ts'
import type { Outputs } from '../output.ts'
import { depopulate, habitable, place, populate } from '../populate.ts'
import type { LayerState } from '../state.ts'
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

/** Takes new settings over. What stands outside new bounds or in a wall is put to the nearest free place; with other content, props and creatures are made anew. */
function configure(state: LayerState, settings: LayerState['settings']): void {
  const { entities } = state
  const rateChanged = settings.tickRateHz !== state.settings.tickRateHz
  const contentChanged = settings.content?.hash !== state.settings.content?.hash
  state.settings = habitable(settings)
  if (contentChanged) depopulate(state)
  for (let id = 1; id <= entities.highest; id++) {
    // What is carried is where its carrier is.
    if (!entities.isPlaced(id)) continue
    place(state, id, { x: entities.x[id] ?? 0, y: entities.y[id] ?? 0 })
    if (!rateChanged) continue
    entities.restX[id] = 0
    entities.restY[id] = 0
    entities.touch(id)
  }
  if (contentChanged) populate(state)
}
