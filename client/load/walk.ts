import type { Bounds, Point } from '../../core/geometry.ts'

/** Millimetres a second: below the speed that servers allow. */
const SPEED = 5_000
/** A walker turns by at most so much with each move, in radians. */
const TURN = 0.5
/** So near a border it turns back. Millimetres. */
const SHY = 8_000

/** Numbers in [0, 1) from a seed (mulberry32): the same walk for every server that is compared. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Where walker 0 … count - 1 begin: spread evenly by chance. Bounds and places in millimetres. */
export function startPlaces(seed: number, count: number, { min, max }: Bounds): readonly Point[] {
  const random = seeded(seed)
  const between = (low: number, high: number): number => Math.round(low + random() * (high - low))
  return Array.from({ length: count }, () => ({ x: between(min.x, max.x), y: between(min.y, max.y) }))
}

/** A crowd that walks about and stays spread out. Knows places by its own reckoning alone: what servers answer is not read for it. */
export class Walk {
  readonly #bounds: Bounds
  readonly #random: () => number
  readonly #heading: Float64Array
  readonly x: Float64Array
  readonly y: Float64Array
  /** The wanted velocity, whole millimetres a second. */
  readonly vx: Int32Array
  readonly vy: Int32Array

  constructor(seed: number, count: number, bounds: Bounds) {
    this.#bounds = bounds
    this.#random = seeded(seed + 1)
    const places = startPlaces(seed, count, bounds)
    this.x = Float64Array.from(places, ({ x }) => x)
    this.y = Float64Array.from(places, ({ y }) => y)
    this.vx = new Int32Array(count)
    this.vy = new Int32Array(count)
    this.#heading = Float64Array.from(places, () => this.#random() * 2 * Math.PI)
  }

  /** Walker `i` goes on for the time since its last move and turns a little. */
  turn(i: number, seconds: number): void {
    const { min, max } = this.#bounds
    const x = clamp((this.x[i] ?? 0) + (this.vx[i] ?? 0) * seconds, min.x, max.x)
    const y = clamp((this.y[i] ?? 0) + (this.vy[i] ?? 0) * seconds, min.y, max.y)
    this.x[i] = x
    this.y[i] = y
    let heading = (this.#heading[i] ?? 0) + (this.#random() - 0.5) * 2 * TURN
    const nearBorder = x - min.x < SHY || max.x - x < SHY || y - min.y < SHY || max.y - y < SHY
    if (nearBorder) heading = Math.atan2((min.y + max.y) / 2 - y, (min.x + max.x) / 2 - x) + (this.#random() - 0.5) * 2
    this.#heading[i] = heading
    this.vx[i] = Math.round(SPEED * Math.cos(heading))
    this.vy[i] = Math.round(SPEED * Math.sin(heading))
  }

  /** How many others a walker has in the 3×3 cells around its own, on average, when cells have this side (millimetres). */
  meanInView(cell: number): number {
    const counts = new Map<string, number>()
    const column = (i: number): number => Math.floor((this.x[i] ?? 0) / cell)
    const row = (i: number): number => Math.floor((this.y[i] ?? 0) / cell)
    for (let i = 0; i < this.x.length; i++) {
      const key = `${column(i)},${row(i)}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    let sum = 0
    for (let i = 0; i < this.x.length; i++) {
      for (let dx = -1; dx <= 1; dx++) for (let dy = -1; dy <= 1; dy++) sum += counts.get(`${column(i) + dx},${row(i) + dy}`) ?? 0
    }
    return this.x.length === 0 ? 0 : sum / this.x.length - 1
  }
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max)
}
