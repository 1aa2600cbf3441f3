import { encodeServerMessage } from '../../core/protocol/frame.ts'
import { encodeStateFrame } from '../../core/protocol/state-frame.ts'
import { AVATAR } from '../simulation/entities.ts'
import type { LayerState, Player } from '../simulation/state.ts'
import type { Grid } from './grid.ts'
import type { View } from './view.ts'

/** The frames that bring one client's view up to the state: what vanished, what appeared, and the state frame. */
export function viewFrames(state: LayerState, grid: Grid, player: Player, view: View): (epoch: number) => readonly Uint8Array[] {
  const { entities } = state
  const visible = grid.around(entities.x[player.entity] ?? 0, entities.y[player.entity] ?? 0)
  const { appeared, vanished } = view.update(visible)
  const frames: Uint8Array[] = []
  if (vanished.length > 0) frames.push(encodeServerMessage({ body: { case: 'vanished', value: { entities: [...vanished] } } }))
  if (appeared.length > 0) {
    const records = appeared.map((id) => ({
      id,
      kind: entities.kind[id] === AVATAR ? 'avatar' : 'item',
      name: entities.name[id] ?? '',
      x: entities.x[id] ?? 0,
      y: entities.y[id] ?? 0,
    }))
    frames.push(encodeServerMessage({ body: { case: 'appeared', value: { entities: records } } }))
  }
  // What lies on the ground does not move: its place came with Appeared.
  const moving = visible.filter((id) => entities.kind[id] === AVATAR)
  const records = moving.map((id) => ({ id, x: entities.x[id] ?? 0, y: entities.y[id] ?? 0, heading: entities.heading[id] ?? 0 }))
  const { tick } = state
  const acknowledged = player.inputSequence
  return (epoch) => [...frames, encodeStateFrame({ epoch, tick, acknowledged, entities: records })]
}
