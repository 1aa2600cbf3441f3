import { type Metric, median, type Result } from '../kit/result.ts'
import type { Side } from '../kit/side.ts'
import { type Line, type Panel, plot } from '../kit/svg.ts'
import { TICK_RATE } from '../kit/world.ts'
import type { Outcome } from './rounds.ts'
import { held, judge, RULE } from './rule.ts'
import type { Run } from './run.ts'

/** Of benchmarks: seven times the 400 clients that Colyseus holds, and bytes written for each entity update. */
const GOAL_CLIENTS = 2_800
const GOAL_BYTES = 8

const sides: readonly Side[] = ['bailiwick', 'colyseus']

/** What the runs say. */
export function summary({ runs, thrownAway, notes }: Outcome, equal: readonly number[], moreNotes: readonly string[]): Result {
  const of = (side: Side): readonly Run[] => runs.filter((run) => run.side === side)
  const [ours, theirs] = [held(of('bailiwick')), held(of('colyseus'))]
  const atEdge = of('bailiwick').filter(({ clients }) => clients === ours)
  const peer = theirs > 0 ? { peer: theirs, ratio: ours / theirs } : {}
  const metrics: Metric[] = [
    { metric: 'clients held', value: ours, unit: 'clients', goal: GOAL_CLIENTS, met: ours >= GOAL_CLIENTS, ...peer },
    { metric: `core used at ${ours} clients`, value: median(atEdge.map(({ server }) => server.cpu)), unit: 'cores' },
    { metric: `gap p99 at ${ours} clients`, value: median(atEdge.map(({ gaps }) => gaps.p99)), unit: 'ms' },
    bytesPerUpdate(
      atEdge,
      of('colyseus').filter(({ clients }) => clients === theirs),
    ),
    ...equal.flatMap((clients) => compared(runs, clients)),
  ]
  const undecided = runs.filter((run) => judge(run) === 'undecided').length
  const generators = [...new Set(runs.map(({ generator }) => generator))].join(', ')
  const said = [
    `${runs.length} runs counted, ${thrownAway} thrown away because others had the server's core for 5% of the time or more; load generator: ${generators}`,
    ...(undecided > 0 ? [`${undecided} runs failed with the load generator saturated: undecided, counted as failed`] : []),
  ]
  return {
    name: 'crowd',
    metrics,
    series: sides.map((side) => ({ name: side, points: points(of(side)) })),
    notes: [...said, ...notes, ...moreNotes],
  }
}

function bytesPerUpdate(ours: readonly Run[], theirs: readonly Run[]): Metric {
  const value = median(ours.map((run) => run.bytesPerUpdate ?? 0))
  // Patches don't say what they update: every avatar in view, and one's own, moves each tick.
  const peer = median(theirs.map((run) => run.bytesPerClientSecond / TICK_RATE / (run.inView + 1)))
  const met = value > 0 && value <= GOAL_BYTES
  return { metric: 'bytes an entity update', value, unit: 'bytes', goal: GOAL_BYTES, met, ...(theirs.length > 0 ? { peer } : {}) }
}

/** Both sides at the same number of clients; the ratio is the median of the pairs of one round. */
function compared(runs: readonly Run[], clients: number): readonly Metric[] {
  const at = (side: Side): readonly Run[] => runs.filter((run) => run.side === side && run.clients === clients)
  const [ours, theirs] = [at('bailiwick'), at('colyseus')]
  const row = (metric: string, unit: string, of: (run: Run) => number): Metric => {
    const pairs = ours.slice(0, theirs.length).map((run, i) => of(run) / Math.max(1e-9, of(theirs[i] ?? run)))
    const peer = theirs.length === 0 ? {} : { peer: median(theirs.map(of)), ratio: median(pairs) }
    return { metric: `${metric} at ${clients} clients`, value: median(ours.map(of)), unit, ...peer }
  }
  return [
    row('core used', 'cores', ({ server }) => server.cpu),
    row('bytes a client', 'bytes/s', ({ bytesPerClientSecond }) => bytesPerClientSecond),
    row('gap p99', 'ms', ({ gaps }) => gaps.p99),
    row('event loop p99', 'ms', ({ server }) => server.loopP99),
  ]
}

interface Point {
  readonly clients: number
  readonly runs: number
  readonly passed: number
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly arrived: number
  readonly core: number
  /** What of it was the kernel's. */
  readonly kernel: number
  readonly waited: number
  readonly loopP99: number
  readonly bytesPerClientSecond: number
  readonly inView: number
  readonly missedTicks: number
  readonly generatorCore: number
  readonly generatorLateP99: number
}

function points(runs: readonly Run[]): readonly Point[] {
  const counts = [...new Set(runs.map(({ clients }) => clients))].toSorted((a, b) => a - b)
  return counts.map((clients) => {
    const here = runs.filter((run) => run.clients === clients)
    const middle = (of: (run: Run) => number): number => median(here.map(of))
    return {
      clients,
      runs: here.length,
      passed: here.filter((run) => judge(run) === 'passes').length,
      p50: middle(({ gaps }) => gaps.p50),
      p99: middle(({ gaps }) => gaps.p99),
      max: middle(({ gaps }) => gaps.max),
      arrived: middle(({ arrived, due }) => arrived / due),
      core: middle(({ server }) => server.cpu),
      kernel: middle(({ server }) => server.system),
      waited: middle(({ server }) => server.waited),
      loopP99: middle(({ server }) => server.loopP99),
      bytesPerClientSecond: middle((run) => run.bytesPerClientSecond),
      inView: middle((run) => run.inView),
      missedTicks: middle((run) => run.missedTicks ?? 0),
      generatorCore: middle(({ headroom }) => headroom.cpu),
      generatorLateP99: middle(({ headroom }) => headroom.delayP99),
    }
  })
}

/** Gap and core against the number of clients, both sides. */
export function crowdPlot({ runs }: Outcome): string {
  const line =
    (of: (point: Point) => number) =>
    (side: Side): Line => ({
      name: side,
      points: points(runs.filter((run) => run.side === side)).map((point) => [point.clients, of(point)]),
    })
  const gap: Panel = {
    title: 'Gap between state frames, p99',
    x: 'clients, about 32 others in view of each',
    y: 'ms',
    lines: sides.map(line(({ p99 }) => p99)),
    levels: [{ name: `rule: ${RULE.p99} ms`, y: RULE.p99 }],
    top: 150,
  }
  const core: Panel = { title: 'Core used by the server', x: 'clients', y: 'cores', lines: sides.map(line((point) => point.core)), top: 1 }
  return plot([gap, core])
}
