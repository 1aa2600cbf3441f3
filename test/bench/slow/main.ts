// `npm run bench:slow`: how long others' requests take while thousands of slow connections are held open, beside the same without them.
import { setTimeout as pause } from 'node:timers/promises'
import { CpuMeter } from '../kit/cpu.ts'
import { type Child, OTHER_CORE, pin, SERVER_CORE, startChild } from '../kit/pinned.ts'
import { type Metric, median, quick, say, writeResult } from '../kit/result.ts'
import { plot } from '../kit/svg.ts'
import { askHonestly, percentile, type Question } from './honest.ts'

const SIZE = quick ? 1_000 : 5_000
const ROUNDS = quick ? 2 : 6
const GOAL_RATIO = 1.1
const START_LIMIT = 60_000
/**
 * They come within a second and a half, the readers have asked for all that they want two seconds later, and the first are cut when they have been there for ten (HTTP_HEADERS_LIMIT): between lies the time in which all of them
 * are held.
 */
const HELD = { perSecond: SIZE / 1.5, settleMs: 2_200, sampleMs: quick ? 4_000 : 5_800 }
/** They come within eight seconds. Then those that are cut come back at an even pace: about 300 a second of 5,000. */
const RETURNING = { perSecond: SIZE / 8, settleMs: quick ? 2_000 : 12_000, sampleMs: quick ? 5_000 : 15_000 }
/** What a crowd that went has left is done. */
const GONE = 2_500

interface Sample {
  readonly p50: number
  readonly p99: number
  readonly answers: number
  /** Share of its core that the server used. */
  readonly cpu: number
}

interface Beside extends Sample {
  /** Slow connections that were open at the end. */
  readonly held: number
  /** Of them that came meanwhile: a second. */
  readonly cameBack: number
}

interface Round {
  readonly alone: Sample
  readonly held: Beside
  readonly returning: Beside
}

interface Count {
  readonly size: number
  readonly connected: number
}

pin(process.pid, OTHER_CORE)
// As the chart starts them.
const server = startChild(`${import.meta.dirname}/server.ts`, SERVER_CORE, ['--max-semi-space-size=2'])
const crowd = startChild(`${import.meta.dirname}/crowd-main.ts`, OTHER_CORE)
try {
  await measure(server, crowd)
} finally {
  await Promise.all([server.end(), crowd.end()])
}

async function measure(served: Child, slow: Child): Promise<void> {
  const questions = await served.call<readonly Question[]>('start', {}, START_LIMIT)
  const ports = questions.map(({ port }) => port)
  const wrong: string[] = []
  const meter = new CpuMeter(served.pid)
  const sample = async (ms: number): Promise<Sample> => {
    meter.start()
    const report = await askHonestly(questions, { ms })
    const { cpu } = meter.stop()
    wrong.push(...report.wrong, ...(report.refused > 0 ? [`503, ${report.refused} times`] : []))
    return { p50: percentile(report.took, 0.5), p99: percentile(report.took, 0.99), answers: report.took.length, cpu }
  }
  const beside = async ({ perSecond, settleMs, sampleMs }: typeof HELD, comesBack: boolean): Promise<Beside> => {
    await slow.call('begin', { ports, size: SIZE, comesBack, perSecond }, START_LIMIT)
    await pause(settleMs)
    const before = await slow.call<Count>('count', {}, 5_000)
    const taken = await sample(sampleMs)
    const { size, connected } = await slow.call<Count>('count', {}, 5_000)
    await slow.call('end', {}, 5_000)
    await pause(GONE)
    return { ...taken, held: size, cameBack: ((connected - before.connected) / sampleMs) * 1_000 }
  }
  await sample(RETURNING.sampleMs)
  const rounds: Round[] = []
  for (let k = 0; k < ROUNDS; k++) {
    const alone = await sample(RETURNING.sampleMs)
    const held = await beside(HELD, false)
    const returning = await beside(RETURNING, true)
    rounds.push({ alone, held, returning })
    say(
      `p99 ${inMs(alone.p99)} alone; ${inMs(held.p99)} beside ${held.held} held; ${inMs(returning.p99)} beside ${returning.held} of which ${Math.round(returning.cameBack)} a second come back`,
    )
  }
  report(rounds, wrong)
}

function inMs(value: number): string {
  return `${value.toFixed(2)} ms`
}

function report(rounds: readonly Round[], wrong: readonly string[]): void {
  const middle = (of: (round: Round) => number): number => median(rounds.map(of))
  const of = (which: 'held' | 'returning', what: string): Metric[] => {
    const ratio = middle((round) => round[which].p99 / round.alone.p99)
    const beside = (name: string, unit: string, value: (sample: Sample) => number): Metric => ({
      ...{ metric: `${name} beside ${what}`, unit, value: middle((round) => value(round[which])) },
      peer: middle(({ alone }) => value(alone)),
    })
    return [
      { metric: `others' p99 beside ${what}, to that without`, unit: '', value: ratio, goal: GOAL_RATIO, met: ratio <= GOAL_RATIO },
      beside("others' p99", 'ms', ({ p99 }) => p99),
      beside("others' p50", 'ms', ({ p50 }) => p50),
      beside('cores that the server uses', '', ({ cpu }) => cpu),
      { metric: `${what}: at once`, unit: '', value: middle((round) => round[which].held) },
    ]
  }
  writeResult(
    {
      name: 'slow',
      metrics: [
        ...of('held', 'slow connections that are held'),
        ...of('returning', 'slow connections that come back when they are cut'),
        { metric: 'of them that come back', unit: 'a second', value: middle(({ returning }) => returning.cameBack) },
      ],
      series: rounds,
      notes: [
        `${wrong.length} answers to others that were not right${wrong.length > 0 ? `, the first: ${wrong[0]}` : ''}`,
        'auth and characters in one process on one core, over SQLite in memory; held: before the first is cut; of twenty one is a reader that does not read, the others are silent, or send headers line by line, or bodies byte by byte',
      ],
    },
    plot([
      {
        title: "others' p99 beside slow connections",
        x: 'round',
        y: 'ms',
        lines: [
          { name: 'without', points: rounds.map(({ alone }, at) => [at + 1, alone.p99] as const) },
          { name: 'held', points: rounds.map(({ held }, at) => [at + 1, held.p99] as const) },
          { name: 'coming back', points: rounds.map(({ returning }, at) => [at + 1, returning.p99] as const) },
        ],
      },
    ]),
  )
}
