import { AVATAR } from '../entities.ts'
import type { LayerState } from '../state.ts'

/** Millimetres a second. */
export const MAX_SPEED = 6_000

/** Moves every avatar by one tick and keeps it within the bounds. */
export function moveAll(state: LayerState): void {
  const { kind, x, y, vx, vy, restX, restY, highest } = state.entities
  const { bounds, tickRateHz } = state.settings
  for (let id = 1; id <= highest; id++) {
    if (kind[id] !== AVATAR) continue
    const alongX = (vx[id] ?? 0) + (restX[id] ?? 0)
    const alongY = (vy[id] ?? 0) + (restY[id] ?? 0)
    if (alongX === 0 && alongY === 0) continue
    const dx = Math.trunc(alongX / tickRateHz)
    const dy = Math.trunc(alongY / tickRateHz)
    restX[id] = alongX - dx * tickRateHz
    restY[id] = alongY - dy * tickRateHz
    const [fromX, fromY] = [x[id] ?? 0, y[id] ?? 0]
    const toX = clamp(fromX + dx, bounds.min.x, bounds.max.x)
    const toY = clamp(fromY + dy, bounds.min.y, bounds.max.y)
    if (toX === fromX && toY === fromY) continue
    x[id] = toX
    y[id] = toY
    state.entities.show(id)
  }
}

/** Stands still, and keeps no part of a millimetre either. */
export function halt(state: LayerState, entity: number): void {
  for (const column of [state.entities.vx, state.entities.vy, state.entities.restX, state.entities.restY]) column[entity] = 0
}

export function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max)
}
