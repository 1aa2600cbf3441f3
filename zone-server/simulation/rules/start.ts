import type { Point } from '../../../core/geometry.ts'
import { randomBetween } from '../random.ts'
import type { LayerState } from '../state.ts'

export type StartKind = 'Spawn' | 'Respawn'

/** Without points in the content, characters appear at most so far from the middle of the bounds, along each axis. Millimetres. */
const SPREAD = 5_000

/** Where a new character appears, or one that was down: at one of the content's points for it, else near the middle of the bounds. */
export function startPlace(state: LayerState, kind: StartKind): Point {
  const { content, bounds } = state.settings
  const { spawns = [], respawns = [] } = content ?? {}
  const points = kind === 'Respawn' && respawns.length > 0 ? respawns : spawns
  const point = points[points.length === 0 ? 0 : randomBetween(state.random, 0, points.length - 1)]
  if (point !== undefined) return point
  const middle = (min: number, max: number): number => Math.trunc((min + max) / 2) + randomBetween(state.random, -SPREAD, SPREAD)
  return { x: middle(bounds.min.x, bounds.max.x), y: middle(bounds.min.y, bounds.max.y) }
}
