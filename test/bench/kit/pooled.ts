/** What was measured of one kind in one go. */
type Block = readonly number[]

export interface PooledRatio {
  /** The percentile of all blocks together, and the second's to the first's. */
  readonly first: number
  readonly second: number
  readonly ratio: number
  /** Where the ratio lies with 95% confidence. */
  readonly low: number
  readonly high: number
}

const DRAWS = 1_000

/**
 * Compares a high percentile of two kinds, whose blocks come in pairs. Of a short block it is one or two events: only all together have one. What goes slow does so for all of a moment, so the bootstrap draws whole pairs
 * (Künsch 1989, with blocks that do not overlap), and the percentile of its draws is the interval. Of none all is 0. `random`: in [0, 1).
 */
export function pooledRatio(pairs: readonly (readonly [Block, Block])[], share: number, random: () => number = Math.random): PooledRatio {
  const ratioOf = (drawn: readonly (readonly [Block, Block])[]) => {
    const [first, second] = [0, 1].map((side) =>
      percentileOf(
        drawn.map((pair) => pair[side as 0 | 1]),
        share,
      ),
    ) as [number, number]
    return { first, second, ratio: first === 0 ? 0 : second / first }
  }
  const draw = () => pairs.map(() => pairs[Math.floor(random() * pairs.length)] as readonly [Block, Block])
  const ratios = Array.from({ length: DRAWS }, () => ratioOf(draw()).ratio).sort((a, b) => a - b)
  return { ...ratioOf(pairs), low: ratios[Math.floor(DRAWS * 0.025)] ?? 0, high: ratios[Math.ceil(DRAWS * 0.975) - 1] ?? 0 }
}

function percentileOf(blocks: readonly Block[], share: number): number {
  const all = Float64Array.from(blocks.flat()).sort()
  return all[Math.min(all.length - 1, Math.floor(all.length * share))] ?? 0
}
