import { walk } from '../collision.ts'
import { AVATAR, CREATURE } from '../entities.ts'
import type { LayerState } from '../state.ts'

/** Millimetres a second. */
export const MAX_SPEED = 6_000

/** Moves everything that has a velocity by one tick, and keeps it within the bounds and out of blocked cells. */
export function moveAll(state: LayerState): void {
  const { entities } = state
  const { kind, x, y, vx, vy, restX, restY, highest } = entities
  const { bounds, tickRateHz } = state.settings
  const map = state.settings.content?.map
  const place = { x: 0, y: 0 }
  for (let id = 1; id <= highest; id++) {
    if (kind[id] !== AVATAR && kind[id] !== CREATURE) continue
    const alongX = (vx[id] ?? 0) + (restX[id] ?? 0)
    const alongY = (vy[id] ?? 0) + (restY[id] ?? 0)
    if (alongX === 0 && alongY === 0) continue
    const dx = Math.trunc(alongX / tickRateHz)
    const dy = Math.trunc(alongY / tickRateHz)
    const [fromX, fromY] = [x[id] ?? 0, y[id] ?? 0]
    const wantedX = fromX + dx
    const wantedY = fromY + dy
    place.x = clamp(wantedX, bounds.min.x, bounds.max.x)
    place.y = clamp(wantedY, bounds.min.y, bounds.max.y)
    if (map !== undefined) walk(map, fromX, fromY, place)
    // What is stopped keeps no part of a millimetre.
    const leftX = place.x === wantedX ? alongX - dx * tickRateHz : 0
    const leftY = place.y === wantedY ? alongY - dy * tickRateHz : 0
    if (leftX !== restX[id] || leftY !== restY[id]) {
      restX[id] = leftX
      restY[id] = leftY
      entities.touch(id)
    }
    if (place.x === fromX && place.y === fromY) continue
    x[id] = place.x
    y[id] = place.y
    entities.show(id)
  }
}

/** Stands still, and keeps no part of a millimetre either. */
export function halt({ entities }: LayerState, entity: number): void {
  for (const column of [entities.vx, entities.vy, entities.restX, entities.restY]) column[entity] = 0
  entities.touch(entity)
}

export function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max)
}
