import type { Bounds } from '../../../core/geometry.ts'
import { CELL } from '../../../core/protocol/cells.ts'

/** Others in view of a client, on average: what both sides are measured at. */
export const IN_VIEW = 32
export const TICK_RATE = 20
export { CELL }

/**
 * The square world, in whole metres, in which each of `count` clients, spread evenly, has about `inView` others in the 3×3 cells around its own. Along one
 * axis a client sees 3 cells, at a border 2: of n cells that is 3 - 2/n on average. So count · (3 - 2/n)² / n² = inView + 1, solved by halving.
 */
export function worldFor(count: number, inView = IN_VIEW): Bounds {
  let low = 1
  let high = 10_000
  for (let i = 0; i < 60; i++) {
    const cells = (low + high) / 2
    if ((count * (3 - 2 / cells) ** 2) / cells ** 2 > inView + 1) low = cells
    else high = cells
  }
  const side = Math.max(1, Math.round((low * CELL) / 1_000))
  return { min: { x: 0, y: 0 }, max: { x: side, y: side } }
}
