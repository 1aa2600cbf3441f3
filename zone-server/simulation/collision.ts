import type { Bounds, Point } from '../../core/geometry.ts'

/** Where nobody can walk: cells of one size; what lies outside of them is free. */
export interface BlockedMap {
  /** The side of a cell, millimetres. */
  readonly cellMm: number
  /** The corner with the smallest x and y of the cell in column 0, row 0; millimetres. */
  readonly origin: Point
  readonly columns: number
  readonly rows: number
  /** One bit for each cell, row by row, the lowest bit first. */
  readonly blocked: Uint8Array
}

interface Place {
  x: number
  y: number
}

/** True when the cell of this place can't be entered. */
export function isBlocked(map: BlockedMap, x: number, y: number): boolean {
  return isCellBlocked(map, cellOf(x - map.origin.x, map.cellMm), cellOf(y - map.origin.y, map.cellMm))
}

/**
 * Walks from a free place straight towards `to` and leaves there where the walk ends: at a wall it slides along, in a corner it stops. Every cell on the way is looked at,
 * however far a tick reaches, so nothing is jumped over.
 */
export function walk(map: BlockedMap, fromX: number, fromY: number, to: Place): void {
  const dx = to.x - fromX
  const dy = to.y - fromY
  const steps = Math.ceil(Math.max(Math.abs(dx), Math.abs(dy)) / map.cellMm)
  let [x, y] = [fromX, fromY]
  for (let i = 1; i <= steps; i++) {
    // No step is longer than a cell, so it enters one more cell along each axis at most.
    const byX = Math.trunc((dx * i) / steps) - Math.trunc((dx * (i - 1)) / steps)
    const byY = Math.trunc((dy * i) / steps) - Math.trunc((dy * (i - 1)) / steps)
    x = alongX(map, x, y, byX)
    y = alongY(map, x, y, byY)
  }
  to.x = x
  to.y = y
}

function alongX(map: BlockedMap, x: number, y: number, by: number): number {
  const { cellMm, origin } = map
  const column = cellOf(x + by - origin.x, cellMm)
  if (column === cellOf(x - origin.x, cellMm) || !isCellBlocked(map, column, cellOf(y - origin.y, cellMm))) return x + by
  return origin.x + (by > 0 ? column * cellMm - 1 : (column + 1) * cellMm)
}

function alongY(map: BlockedMap, x: number, y: number, by: number): number {
  const { cellMm, origin } = map
  const row = cellOf(y + by - origin.y, cellMm)
  if (row === cellOf(y - origin.y, cellMm) || !isCellBlocked(map, cellOf(x - origin.x, cellMm), row)) return y + by
  return origin.y + (by > 0 ? row * cellMm - 1 : (row + 1) * cellMm)
}

/** The place itself if it is free, else one of the nearest free ones within the bounds. There must be one: see `hasFreePlace`. */
export function nearestFree(map: BlockedMap | undefined, bounds: Bounds, place: Point): Point {
  const x = Math.min(Math.max(place.x, bounds.min.x), bounds.max.x)
  const y = Math.min(Math.max(place.y, bounds.min.y), bounds.max.y)
  if (map === undefined || !isBlocked(map, x, y)) return { x, y }
  const column = cellOf(x - map.origin.x, map.cellMm)
  const row = cellOf(y - map.origin.y, map.cellMm)
  // Ring by ring; one ring around the map is free, so the last one to look at is known.
  for (let ring = 1; ring <= Math.max(map.columns, map.rows); ring++) {
    for (let r = row - ring; r <= row + ring; r++) {
      const onEdge = r === row - ring || r === row + ring
      for (let c = column - ring; c <= column + ring; c += onEdge ? 1 : ring * 2) {
        const found = freeIn(map, bounds, c, r)
        if (found !== undefined) return found
      }
    }
  }
  return { x, y }
}

/** True when somebody can stand somewhere within the bounds. */
export function hasFreePlace(map: BlockedMap, bounds: Bounds): boolean {
  const place = nearestFree(map, bounds, bounds.min)
  return !isBlocked(map, place.x, place.y)
}

/** The middle of a free cell, moved into the bounds; undefined when the cell is blocked or none of it lies in the bounds. */
function freeIn(map: BlockedMap, bounds: Bounds, column: number, row: number): Point | undefined {
  if (isCellBlocked(map, column, row)) return undefined
  const left = map.origin.x + column * map.cellMm
  const low = map.origin.y + row * map.cellMm
  if (left > bounds.max.x || left + map.cellMm - 1 < bounds.min.x) return undefined
  if (low > bounds.max.y || low + map.cellMm - 1 < bounds.min.y) return undefined
  const half = Math.floor(map.cellMm / 2)
  const x = Math.min(Math.max(left + half, bounds.min.x), bounds.max.x)
  const y = Math.min(Math.max(low + half, bounds.min.y), bounds.max.y)
  return { x, y }
}

function cellOf(offset: number, cellMm: number): number {
  return Math.floor(offset / cellMm)
}

function isCellBlocked(map: BlockedMap, column: number, row: number): boolean {
  if (column < 0 || row < 0 || column >= map.columns || row >= map.rows) return false
  const bit = row * map.columns + column
  return (((map.blocked[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1
}
