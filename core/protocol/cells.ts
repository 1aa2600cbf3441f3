import { MM_PER_CM } from '../geometry.ts'

/** The side of a cell, millimetres. A client sees the 3×3 cells around its centre; a position within a cell fits 12 + 12 bits of centimetres. */
export const CELL = 32_000
export const CELL_CM = CELL / MM_PER_CM

/** The column or row of a coordinate (millimetres). */
export function cellOf(coordinate: number): number {
  return Math.floor(coordinate / CELL)
}

/** Where a cell stands among nine that lie together, 0 … 8: the same number whichever nine they are. */
export function slotOf(column: number, row: number): number {
  return modulo3(row) * 3 + modulo3(column)
}

/** The column (or row) within one cell of `centre` whose remainder by 3 is `remainder`. */
export function nearCentre(centre: number, remainder: number): number {
  return centre - 1 + modulo3(remainder - (centre - 1))
}

/** True when the cell is one of the nine around the centre. */
export function inView(column: number, row: number, centreColumn: number, centreRow: number): boolean {
  return Math.abs(column - centreColumn) <= 1 && Math.abs(row - centreRow) <= 1
}

function modulo3(value: number): number {
  return ((value % 3) + 3) % 3
}
