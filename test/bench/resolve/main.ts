// `npm run bench:resolve`: how many resolves a second one core answers, beside an Express handler that answers a constant of the same size; and how soon a change is seen.
import { silentLog } from '../../../core/ports/log-port.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import { startRedisServer } from '../../contract/redis-server.ts'
import { CpuMeter } from '../kit/cpu.ts'
import { type Child, guard, OTHER_CORE, pin, SERVER_CORE, startChild } from '../kit/pinned.ts'
import { median, quick, say, writeResult } from '../kit/result.ts'
import { plot } from '../kit/svg.ts'
import { populate } from './changes.ts'
import type { LoadOrder, LoadReport } from './load.ts'
import { Visible, WATCHED } from './visible.ts'

const ZONES = 1_000
const CONNECTIONS = 64
const SECONDS = quick ? 4 : 15
const PAIRS = quick ? 3 : 7
const GOAL_RATIO = 0.8
const GOAL_VISIBLE = 50
const START_LIMIT = 60_000

const redis = await startRedisServer()
guard(redis.pid)
if (redis.pid !== undefined) pin(redis.pid, OTHER_CORE)
// Its hosts send heartbeats only with a change: none shall be taken for dead.
const index = createRedisIndex({ url: redis.url, log: silentLog, timing: { hostDeadAfter: 3_600_000 } })
const children: Child[] = []
try {
  await measure()
} finally {
  await Promise.all(children.map((child) => child.end()))
  await index.close()
  await redis.stop()
}

interface Run extends LoadReport {
  readonly cpu: number
  readonly waited: number
}

async function measure(): Promise<void> {
  say(`${ZONES} zones`)
  const world = await populate(index, ZONES)
  const [ours, theirs, load] = (['server', 'server', 'load'] as const).map((file, at) => {
    const child = startChild(`${import.meta.dirname}/${file}.ts`, at === 2 ? OTHER_CORE : SERVER_CORE)
    children.push(child)
    return child
  }) as [Child, Child, Child]
  const port = await ours.call<number>('allocator', { redisUrl: redis.url }, START_LIMIT)
  const url = `http://127.0.0.1:${port}/v1/zones/game/zone-${WATCHED}`
  const answer = (await (await fetch(url)).json()) as object
  const sides = {
    bailiwick: { child: ours, port },
    constant: { child: theirs, port: await theirs.call<number>('constant', { answer }, START_LIMIT) },
  }
  const visible = new Visible(world, ZONES)
  await visible.watch(url)
  const seen: { readonly full: number[]; readonly half: number[] } = { full: [], half: [] }
  const runs: Record<keyof typeof sides, Run[]> = { bailiwick: [], constant: [] }
  for (let pair = 0; pair < PAIRS; pair++) {
    for (const side of ['bailiwick', 'constant'] as const) {
      const { child, port: to } = sides[side]
      visible.into = side === 'bailiwick' ? seen.full : undefined
      const meter = new CpuMeter(child.pid)
      const order: LoadOrder = { port: to, connections: CONNECTIONS, zones: ZONES, seconds: SECONDS }
      const report = await load.call<LoadReport>('load', order, (SECONDS + 30) * 1_000)
      const run = { ...report, ...meter.stop() }
      runs[side].push(run)
      say(
        `${side}: ${Math.round(run.perSecond)}/s, p99 ${run.p99.toFixed(1)} ms, ${Math.round(run.cpu * 100)}% of its core, waited ${Math.round(run.waited * 100)}%`,
      )
    }
  }
  visible.into = seen.half
  const perSecond = median(runs.bailiwick.map((run) => run.perSecond)) / 2
  const paced = (side: keyof typeof sides, seconds: number): Promise<LoadReport> =>
    load.call('load', { port: sides[side].port, connections: CONNECTIONS, zones: ZONES, seconds, perSecond }, (seconds + 30) * 1_000)
  const half = await paced('bailiwick', SECONDS * 4)
  visible.into = undefined
  const halfConstant = await paced('constant', SECONDS)
  await visible.stop()
  report(runs, half, halfConstant, { full: seen.full.toSorted((a, b) => a - b), half: seen.half.toSorted((a, b) => a - b) })
}

function report(
  runs: { readonly bailiwick: readonly Run[]; readonly constant: readonly Run[] },
  half: LoadReport,
  halfConstant: LoadReport,
  seen: { readonly full: readonly number[]; readonly half: readonly number[] },
): void {
  const ratios = runs.bailiwick.map((run, at) => run.perSecond / (runs.constant[at]?.perSecond ?? Number.NaN))
  const ratio = median(ratios)
  const middle = (side: readonly Run[], of: (run: Run) => number): number => median(side.map(of))
  const p99 = (values: readonly number[]): number => values[Math.floor(values.length * 0.99)] ?? Number.NaN
  const others = runs.bailiwick.reduce((sum, run) => sum + run.others, half.others)
  const waited = Math.max(...[...runs.bailiwick, ...runs.constant].map((run) => run.waited))
  const perSecond = { value: middle(runs.bailiwick, (run) => run.perSecond), peer: middle(runs.constant, (run) => run.perSecond) }
  writeResult(
    {
      name: 'resolve',
      metrics: [
        { metric: 'resolves', unit: '/s', ...perSecond, ratio },
        { metric: 'share of a constant answer', value: ratio, unit: '', goal: GOAL_RATIO, met: ratio >= GOAL_RATIO },
        {
          metric: 'resolve p99',
          value: middle(runs.bailiwick, (run) => run.p99),
          unit: 'ms',
          peer: middle(runs.constant, (run) => run.p99),
        },
        { metric: 'change seen at half of that rate, p50', value: median(seen.half), unit: 'ms' },
        {
          metric: 'change seen at half of that rate, p99',
          ...{ value: p99(seen.half), unit: 'ms', goal: GOAL_VISIBLE, met: p99(seen.half) <= GOAL_VISIBLE },
        },
        { metric: 'resolve p99 at half of that rate', value: half.p99, unit: 'ms', peer: halfConstant.p99 },
        { metric: 'change seen while both cores are saturated, p50', value: median(seen.full), unit: 'ms' },
        { metric: 'change seen while both cores are saturated, p99', value: p99(seen.full), unit: 'ms' },
      ],
      series: [runs, ratios, half, seen],
      notes: [
        `${seen.half.length} changes watched at ${Math.round(half.perSecond)}/s, ${seen.full.length} under full load; ${others} answers that were not 200`,
        `a server waited up to ${Math.round(waited * 100)}% of a run for its core`,
      ],
    },
    plot([
      {
        title: 'resolves a second on one core',
        x: 'pair',
        y: 'requests a second',
        lines: [
          { name: 'allocator', points: runs.bailiwick.map((run, at) => [at + 1, run.perSecond] as const) },
          { name: 'Express, a constant', points: runs.constant.map((run, at) => [at + 1, run.perSecond] as const) },
        ],
      },
      {
        title: 'time until a change is seen',
        x: 'share of changes, %',
        y: 'ms',
        lines: [
          { name: 'at half of the rate', points: seen.half.map((ms, at) => [((at + 1) / seen.half.length) * 100, ms] as const) },
          { name: 'both cores saturated', points: seen.full.map((ms, at) => [((at + 1) / seen.full.length) * 100, ms] as const) },
        ],
        levels: [{ name: 'goal', y: GOAL_VISIBLE }],
      },
    ]),
  )
}
