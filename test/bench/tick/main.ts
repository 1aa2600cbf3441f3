// `npm run bench:tick`: what a tick costs against the number of clients, at constant and at growing density, without sockets.
import { type Metric, median, quick, say, writeResult } from '../kit/result.ts'
import { type Line, plot } from '../kit/svg.ts'
import { CELL, worldFor } from '../kit/world.ts'
import { CrowdedLayer, type TickCost } from './crowded.ts'

const COUNTS = quick ? [250, 500, 1_000, 2_000] : [250, 500, 1_000, 1_500, 2_000, 3_000, 4_000]
const WARM_UP = quick ? 60 : 200
const TICKS = quick ? 100 : 300
/** Of the tick's cost against what it does (changes, bytes of views), and of its step and encoding against clients: linear, and room for noise. */
const GOAL_ORDER = 1.15

interface Point {
  readonly clients: number
  readonly inView: number
  readonly step: number
  readonly hash: number
  readonly encode: number
  readonly assemble: number
  readonly whole: number
  readonly changes: number
  readonly bytes: number
}

function measure(clients: number, density: 'constant' | 'growing'): Point {
  // Growing: all in the world that is right for the fewest.
  const layer = new CrowdedLayer(clients, worldFor(density === 'constant' ? clients : (COUNTS[0] ?? clients)), clients)
  for (let i = 0; i < WARM_UP; i++) layer.run()
  const costs = Array.from({ length: TICKS }, () => layer.run())
  const middle = (of: (cost: TickCost) => number): number => median(costs.map(of))
  const [step, hash, encode, assemble] = [middle((c) => c.step), middle((c) => c.hash), middle((c) => c.encode), middle((c) => c.assemble)]
  const point = {
    ...{ clients, inView: layer.inView(CELL), step, hash, encode, assemble },
    whole: middle((c) => c.step + c.hash + c.encode + c.assemble),
    changes: middle((c) => c.changes),
    bytes: middle((c) => c.bytes),
  }
  const parts = `step ${step.toFixed(2)}, hash and batch ${hash.toFixed(2)}, encode ${encode.toFixed(2)}, assemble ${assemble.toFixed(2)} ms`
  say(`${density} density, ${clients} clients, ${point.inView.toFixed(0)} in view: ${parts}; ${(point.bytes / 1_000).toFixed(0)} KB`)
  return point
}

/** The exponent k of cost ~ size^k: the slope of the line through the logarithms (least squares). */
function order(points: readonly (readonly [number, number])[]): number {
  const logs = points.map(([size, cost]) => [Math.log(size), Math.log(cost)] as const)
  const mean = (k: 0 | 1): number => logs.reduce((sum, log) => sum + log[k], 0) / logs.length
  const [x, y] = [mean(0), mean(1)]
  return logs.reduce((sum, log) => sum + (log[0] - x) * (log[1] - y), 0) / logs.reduce((sum, log) => sum + (log[0] - x) ** 2, 0)
}

const constant = COUNTS.map((clients) => measure(clients, 'constant'))
const growing = COUNTS.filter((clients) => clients <= 2_000).map((clients) => measure(clients, 'growing'))

const against = (points: readonly Point[], size: (point: Point) => number, cost: (point: Point) => number): number =>
  order(points.map((point) => [size(point), cost(point)]))
const row = (metric: string, value: number): Metric => ({ metric, value, unit: 'exponent', goal: GOAL_ORDER, met: value <= GOAL_ORDER })
const at = (clients: number): Point | undefined => constant.find((point) => point.clients === clients)
const metrics: Metric[] = [
  row(
    'order of the whole tick against clients, constant density',
    against(
      constant,
      (p) => p.clients,
      (p) => p.whole,
    ),
  ),
  row(
    'order of step, hash and encoding against clients, growing density',
    against(
      growing,
      (p) => p.clients,
      (p) => p.step + p.hash + p.encode,
    ),
  ),
  row(
    'order of assembly against the bytes of all views, growing density',
    against(
      growing,
      (p) => p.bytes,
      (p) => p.assemble,
    ),
  ),
  { metric: 'tick at 2,000 clients, constant density', value: at(2_000)?.whole ?? 0, unit: 'ms' },
]
const lines = (points: readonly Point[]): readonly Line[] =>
  (['step', 'hash', 'encode', 'assemble', 'whole'] as const).map((part) => ({
    name: part,
    points: points.map((point) => [point.clients, point[part]]),
  }))
const svg = plot([
  { title: 'Tick at constant density (32 in view)', x: 'clients', y: 'ms, median', lines: lines(constant) },
  {
    title: `Tick in a world of one size (32 to ${growing.at(-1)?.inView.toFixed(0)} in view)`,
    x: 'clients',
    y: 'ms, median',
    lines: lines(growing),
  },
])
const notes = ['no sockets: what is assembled is counted and dropped', ...(quick ? ['quick: fewer ticks'] : [])]
writeResult(
  {
    name: 'tick',
    metrics,
    series: [
      { name: 'constant', points: constant },
      { name: 'growing', points: growing },
    ],
    notes,
  },
  svg,
)
