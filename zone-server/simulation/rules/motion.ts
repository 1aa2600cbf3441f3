import { AVATAR } from '../entities.ts'
import { headingOf } from '../heading.ts'
import type { LayerState } from '../state.ts'
import { type Rule, refusal } from './rule.ts'

/** Millimetres a second. */
export const MAX_SPEED = 6_000

export const move: Rule<'move'> = (_before, player, { vx, vy }, sequence) => {
  // Each part first: the squares of two 32-bit numbers would not be exact.
  if (Math.abs(vx) > MAX_SPEED || Math.abs(vy) > MAX_SPEED || vx * vx + vy * vy > MAX_SPEED * MAX_SPEED) {
    return refusal(player, sequence, 'MoveTooFast', { asked: `${vx}, ${vy} mm/s`, todo: `at most ${MAX_SPEED} mm/s` })
  }
  return ({ entities }) => {
    entities.vx[player.entity] = vx
    entities.vy[player.entity] = vy
    if (vx !== 0 || vy !== 0) entities.heading[player.entity] = headingOf(vx, vy)
  }
}

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
    x[id] = clamp((x[id] ?? 0) + dx, bounds.min.x, bounds.max.x)
    y[id] = clamp((y[id] ?? 0) + dy, bounds.min.y, bounds.max.y)
  }
}

/** Stands still, and keeps no part of a millimetre either. */
export function halt(state: LayerState, entity: number): void {
  for (const column of [state.entities.vx, state.entities.vy, state.entities.restX, state.entities.restY]) column[entity] = 0
}

export function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max)
}
