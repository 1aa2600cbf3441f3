/** atan(i / 32) for i = 0 … 32, in 1/256 of a turn: written out, because a computed arc tangent may differ between machines. */
const eighth = [
  0, 1, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 25, 26, 27, 28, 29, 29, 30, 31, 31, 32,
] as const

/**
 * The direction of a vector in 1/256 of a turn, counter-clockwise from the x axis; 0 for the null vector. Integer arithmetic: right to 1/256 of a turn.
 */
export function headingOf(x: number, y: number): number {
  const ax = Math.abs(x)
  const ay = Math.abs(y)
  if (ax === 0 && ay === 0) return 0
  const steep = ay > ax
  const ratio = Math.floor(((steep ? ax : ay) * 32) / (steep ? ay : ax) + 0.5)
  const first = steep ? 64 - (eighth[ratio] ?? 0) : (eighth[ratio] ?? 0)
  const half = x < 0 ? 128 - first : first
  return (y < 0 ? 256 - half : half) & 0xff
}
