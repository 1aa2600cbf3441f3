/**
 * The world's plane. Manifests speak in metres; the simulation in whole millimetres (32-bit integers, so a world reaches ±2,000 km from
 * its origin); the wire in centimetres.
 */
export interface Point {
  readonly x: number
  readonly y: number
}

export interface Bounds {
  readonly min: Point
  readonly max: Point
}

/** The largest coordinate that a manifest may name, in metres: leaves room for arithmetic in 32 bits. */
export const MAX_COORDINATE_M = 2_000_000
export const MM_PER_M = 1_000
export const MM_PER_CM = 10

/** Whole millimetres of metres, rounded half away from zero so that it is the same everywhere. */
export function millimetres(metres: number): number {
  return Math.sign(metres) * Math.round(Math.abs(metres) * MM_PER_M)
}

/** The bounds in millimetres of bounds in metres. */
export function boundsInMillimetres(bounds: Bounds): Bounds {
  return {
    min: { x: millimetres(bounds.min.x), y: millimetres(bounds.min.y) },
    max: { x: millimetres(bounds.max.x), y: millimetres(bounds.max.y) },
  }
}

/** True when `point` lies in `bounds`: the minimum belongs to them, the maximum too. */
export function contains(bounds: Bounds, point: Point): boolean {
  return point.x >= bounds.min.x && point.x <= bounds.max.x && point.y >= bounds.min.y && point.y <= bounds.max.y
}
