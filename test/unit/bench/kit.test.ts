import { describe, expect, it } from 'vitest'
import { startPlaces } from '../../../client/load/walk.ts'
import { boundsInMillimetres } from '../../../core/geometry.ts'
import { held, judge } from '../../bench/crowd/rule.ts'
import type { Run } from '../../bench/crowd/run.ts'
import { difference, pairsBeyond } from '../../bench/kit/paired.ts'
import { pooledRatio } from '../../bench/kit/pooled.ts'
import { median } from '../../bench/kit/result.ts'
import { plot } from '../../bench/kit/svg.ts'
import { CELL, worldFor } from '../../bench/kit/world.ts'

const good: Run = {
  side: 'bailiwick',
  generator: 'c',
  clients: 400,
  seconds: 4,
  gaps: { p50: 50, p99: 60, max: 90, worstClientP99: 70, count: 32_000 },
  due: 32_000,
  arrived: 32_000,
  missedTicks: 0,
  bytesPerClientSecond: 4_000,
  bytesPerUpdate: 7,
  sent: 16_000,
  lost: 0,
  inView: 32,
  headroom: { cpu: 0.3, delayP99: 1, delayMax: 3, saturated: false },
  server: { cpu: 0.4, system: 0.2, waited: 0, loopP99: 3, loopMax: 9, memory: 1 },
}
const saturated = { ...good.headroom, saturated: true }

describe('the rule of the crowd', () => {
  it.each([
    ['passes', {}],
    ['passes', { gaps: { ...good.gaps, p50: 51, p99: 75 } }],
    ['fails', { gaps: { ...good.gaps, p50: 51.1 } }],
    ['fails', { gaps: { ...good.gaps, p99: 75.1 } }],
    ['passes', { arrived: 31_680 }],
    ['fails', { arrived: 31_679 }],
    ['fails', { lost: 1 }],
    ['passes', { headroom: saturated }],
    ['undecided', { headroom: saturated, arrived: 0 }],
  ] as const)('%s: %o', (verdict, change) => {
    expect(judge({ ...good, ...change })).toBe(verdict)
  })

  it('holds the most clients of which most runs pass', () => {
    const at = (clients: number, ...passes: readonly boolean[]): Run[] => passes.map((pass) => ({ ...good, clients, lost: pass ? 0 : 1 }))
    expect(held([])).toBe(0)
    expect(held([...at(200, true), ...at(400, true, false, true), ...at(600, true, false)])).toBe(400)
    expect(held(at(200, false))).toBe(0)
  })
})

describe('the kit of the benchmarks', () => {
  it.each([200, 400, 1_000, 2_800])('makes a world in which %i clients see about 32 others', (count) => {
    const places = startPlaces(count, count, boundsInMillimetres(worldFor(count)))
    const cell = ({ x, y }: { x: number; y: number }) => ({ column: Math.floor(x / CELL), row: Math.floor(y / CELL) })
    const cells = places.map(cell)
    const seen = cells.map((a) => cells.filter((b) => Math.abs(a.column - b.column) <= 1 && Math.abs(a.row - b.row) <= 1).length - 1)
    const mean = seen.reduce((sum, others) => sum + others, 0) / count
    expect(mean).toBeGreaterThan(27)
    expect(mean).toBeLessThan(38)
  })

  it('takes the middle', () => {
    expect([median([]), median([3]), median([3, 1]), median([9, 1, 2])]).toEqual([0, 3, 2, 2])
  })

  it('draws a point for each value, within the picture', () => {
    const svg = plot([
      {
        title: 'a < b',
        x: 'x',
        y: 'y',
        lines: [
          {
            name: 'one',
            points: [
              [0, 0],
              [10, 5],
              [20, 500],
            ],
          },
        ],
        top: 100,
      },
    ])
    expect(svg).toContain('a &lt; b')
    const circles = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [Number(x), Number(y)])
    expect(circles).toHaveLength(3)
    for (const [x = -1, y = -1] of circles) expect(x >= 0 && x <= 460 && y >= 0 && y <= 320).toBe(true)
  })
})

describe('pairs', () => {
  const first = Array.from({ length: 40 }, (_, k) => 30 + (k % 7))

  it('that do not differ tell nothing', () => {
    expect(difference(first, first)).toMatchObject({ median: 0, low: 0, high: 0, auc: 0.5 })
    expect(difference(first, first).p).toBeCloseTo(1)
    expect(difference([], [])).toMatchObject({ median: 0, auc: 0.5 })
  })

  it('that differ by a whole hash tell so', () => {
    const second = first.map((value) => value - 29)
    const { median: middle, low, high, p, auc } = difference(first, second)
    expect([middle, low, high, auc]).toEqual([-29, -29, -29, 0])
    expect(p).toBeLessThan(1e-6)
    expect([pairsBeyond(first, second, 15), pairsBeyond(second, first, 15), pairsBeyond(first, second, 30)]).toEqual([40, 40, 0])
  })

  it('whose differences have both signs are as likely chance', () => {
    const second = first.map((value, k) => value + (k % 2 === 0 ? 3 : -3))
    const { low, high, p } = difference(first, second)
    expect(low).toBeLessThan(0)
    expect(high).toBeGreaterThan(0)
    expect(p).toBeGreaterThan(0.5)
    expect(pairsBeyond(first, second, 2)).toBe(20)
  })
})

describe('blocks in pairs', () => {
  // The best and the worst of what could be drawn, and what lies between.
  const drawn = () => {
    let at = 0
    return () => (at++ % 97) / 97
  }
  const even = Array.from(
    { length: 8 },
    () =>
      [
        [1, 2, 3, 4],
        [2, 4, 6, 8],
      ] as const,
  )

  it('have the percentile of all of them together', () => {
    expect(pooledRatio(even, 0.99, drawn())).toEqual({ first: 4, second: 8, ratio: 2, low: 2, high: 2 })
    expect(pooledRatio(even, 0, drawn())).toMatchObject({ first: 1, second: 2 })
    // One event of one block is not what most answers are like.
    const rare = [[[1], Array.from({ length: 200 }, (_, k) => (k === 0 ? 90 : 1))] as const, ...even]
    const { first, second, low, high } = pooledRatio(rare, 0.99, drawn())
    expect([first, second, high]).toEqual([4, 8, 2])
    // Drawn often enough it is.
    expect(low).toBeLessThan(1)
  })

  it('tell nothing where there are none', () => {
    expect(pooledRatio([], 0.99)).toEqual({ first: 0, second: 0, ratio: 0, low: 0, high: 0 })
    expect(pooledRatio([[[], []]], 0.99)).toMatchObject({ ratio: 0 })
  })
})
