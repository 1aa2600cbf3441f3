import { AVATAR } from '../simulation/entities.ts'
import type { LayerState } from '../simulation/state.ts'

/** The side of a cell, millimetres. A client sees the 3×3 cells around its own: at least one side far in every direction. */
export const CELL = 32_000

/** Keeps the keys of neighbouring rows apart: wider than the plane has cells. */
const ROW = 2 ** 20

/** Which entities are where, cell by cell: avatars and what lies on the ground. Made anew for each tick. */
export class Grid {
  readonly #cells = new Map<number, number[]>()

  constructor({ entities }: LayerState) {
    for (let id = 1; id <= entities.highest; id++) {
      if (entities.kind[id] !== AVATAR && !entities.onGround(id)) continue
      const key = keyOf(cellOf(entities.x[id] ?? 0), cellOf(entities.y[id] ?? 0))
      const cell = this.#cells.get(key)
      if (cell === undefined) this.#cells.set(key, [id])
      else cell.push(id)
    }
  }

  /** The entities of the nine cells around a place (millimetres), the place's own included. */
  around(x: number, y: number): number[] {
    const found: number[] = []
    for (let row = cellOf(y) - 1; row <= cellOf(y) + 1; row++) {
      for (let column = cellOf(x) - 1; column <= cellOf(x) + 1; column++) {
        for (const id of this.#cells.get(keyOf(column, row)) ?? []) found.push(id)
      }
    }
    return found
  }
}

function cellOf(coordinate: number): number {
  return Math.floor(coordinate / CELL)
}

function keyOf(column: number, row: number): number {
  return (row + ROW / 2) * ROW + column + ROW / 2
}
