// `npm run bench:day`: a fleet of 10,000 zones through a day in made-up time; -- --quick: an hour of it.
import { quick, say, writeResult } from '../kit/result.ts'
import { plot } from '../kit/svg.ts'
import { POD_START } from './servers.ts'
import { type Day, type DayResult, simulateDay } from './simulation.ts'

const ZONES = 10_000
const DAY_S = 86_400
const HOUR_S = 3_600
/** Trouble is tried in the hours in which most goes on. */
const EVENING_S = 19 * HOUR_S
const TROUBLED_S = quick ? HOUR_S : 3 * HOUR_S
const GOAL_OVER = 15
/** One pod start, and 2.5 s of poll and queues. */
const GOAL_WAIT_MS = POD_START.max + 2_500

/** Share of the zones that are awake: a night, a rise through the day, an evening, and a surge when a season opens at 20:00. */
function awakeShare(second: number): number {
  const hour = second / HOUR_S
  const wave = (1 - Math.cos((2 * Math.PI * (hour - 5)) / 24)) / 2
  const evening = Math.exp(-(((hour - 20.5) / 1.6) ** 2))
  const opening = hour >= 20 ? 0.08 * Math.min(1, (hour - 20) * 30) * Math.exp(-(hour - 20) / 1.5) : 0
  return 0.05 + 0.3 * wave + 0.25 * evening + opening
}

const day: Day = {
  ...{ seed: 1, zones: ZONES, seconds: quick ? HOUR_S : DAY_S, capacity: 8, awakeMs: 15 * 60_000 },
  // Heartbeats, and what is decided by them, ten times as slow as they are: they are most of the work, and not what this is about.
  heartbeatMs: 5_000,
  rules: { hostDeadAfter: 20_000, grace: 20_000 },
  awakeAt: (second) => ZONES * awakeShare(quick ? second + EVENING_S : second),
  annotations: { 'bailiwick.dev/spare': '2', 'bailiwick.dev/max': '5000', 'bailiwick.dev/retire-after': '30s' },
}
const evening: Day = { ...day, seconds: TROUBLED_S, awakeAt: (second) => ZONES * awakeShare(second + EVENING_S) }
const middle = TROUBLED_S / 2
const withoutSpare = { ...day.annotations, 'bailiwick.dev/spare': '0' }
const cases: readonly { readonly name: string; readonly day: Day }[] = [
  { name: 'a day', day },
  { name: 'an evening with a lost node', day: { ...evening, nodeLostAt: middle, phantomS: 600 } },
  {
    name: 'an evening without a spare in which all hosts are outdated at once',
    day: { ...evening, annotations: withoutSpare, outdatedAt: middle },
  },
  { name: 'an evening with an index that is stale for 2 min', day: { ...evening, stale: [middle, middle + 120] } },
]

const results: { readonly name: string; readonly result: DayResult }[] = []
for (const { name, day: one } of cases) {
  const began = performance.now()
  const result = await simulateDay(one)
  results.push({ name, result })
  say(`${name}: ${result.wakes} wakes, ${((performance.now() - began) / 1_000).toFixed(0)} s`)
}
const over = ({ over: more }: DayResult): number => more * 100
const longest = ({ waits }: DayResult): number => waits.reduce((most, wait) => Math.max(most, wait), 0)
writeResult(
  {
    name: 'day',
    metrics: results.flatMap(({ name, result }) => [
      { metric: `${name}: hosts over the least possible`, value: over(result), unit: '%', goal: GOAL_OVER, met: over(result) <= GOAL_OVER },
      {
        ...{ metric: `${name}: longest wish`, value: longest(result), unit: 'ms', goal: GOAL_WAIT_MS },
        met: longest(result) <= GOAL_WAIT_MS,
      },
      { metric: `${name}: hosts taken for outdated without need`, value: result.marked, unit: '', goal: 0, met: result.marked === 0 },
      { metric: `${name}: wakes that had to wait for a pod`, value: (result.waits.length / result.wakes) * 100, unit: '%' },
    ]),
    series: results.map(({ name, result }) => ({ name, samples: result.samples.filter(({ second }) => second % 60 === 0) })),
    notes: [
      `${ZONES} zones, ${day.capacity} layers a host, awake for 15 min on average, pod start ${POD_START.min}–${POD_START.max} ms, webhook polled each second`,
      'the least possible is what is awake divided by the layers of a host, with no spare',
      ...(quick ? ['quick: an hour, from 19:00'] : []),
    ],
  },
  plot(
    results.slice(0, 2).map(({ name, result }) => {
      const samples = result.samples.filter(({ second }) => second % Math.ceil(result.samples.length / 96) === 0)
      const line = (of: 'hosts' | 'least'): (readonly [number, number])[] => samples.map((one) => [one.second / HOUR_S, one[of]])
      return {
        ...{ title: `Hosts, ${name}`, x: 'hours', y: 'hosts' },
        lines: [
          { name: 'hosts', points: line('hosts') },
          { name: 'least possible', points: line('least') },
        ],
      }
    }),
  ),
)
