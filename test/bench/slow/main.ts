// `npm run bench:slow`: how long others' requests take while thousands of slow connections are held open, beside the same without them.
import { setTimeout as pause } from 'node:timers/promises'
import { CpuMeter } from '../kit/cpu.ts'
import { type Child, OTHER_CORE, pin, SERVER_CORE, startChild } from '../kit/pinned.ts'
import { median, quick, say, writeResult } from '../kit/result.ts'
import { plot } from '../kit/svg.ts'
import { askHonestly, percentile, type Question } from './honest.ts'

const SIZE = quick ? 1_000 : 5_000
const PAIRS = quick ? 2 : 6
const SECONDS = quick ? 5 : 15
/** The crowd has come, and those that are cut come back at an even pace. */
const SETTLE = quick ? 2_000 : 12_000
const GOAL_RATIO = 1.1
const START_LIMIT = 60_000

interface Sample {
  readonly p50: number
  readonly p99: number
  readonly answers: number
  /** Share of its core that the server used. */
  readonly cpu: number
}

interface Pair {
  readonly alone: Sample
  readonly beside: Sample
  readonly held: number
}

pin(process.pid, OTHER_CORE)
const server = startChild(`${import.meta.dirname}/server.ts`, SERVER_CORE)
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
  const sample = async (): Promise<Sample> => {
    meter.start()
    const report = await askHonestly(questions, { ms: SECONDS * 1_000 })
    const { cpu } = meter.stop()
    wrong.push(...report.wrong, ...(report.refused > 0 ? [`503, ${report.refused} times`] : []))
    return { p50: percentile(report.took, 0.5), p99: percentile(report.took, 0.99), answers: report.took.length, cpu }
  }
  await sample()
  const pairs: Pair[] = []
  for (let k = 0; k < PAIRS; k++) {
    const alone = await sample()
    await slow.call('begin', { ports, size: SIZE, comesBack: true }, START_LIMIT)
    await pause(SETTLE)
    const beside = await sample()
    const { size } = await slow.call<{ readonly size: number }>('count', {}, 5_000)
    await slow.call('end', {}, 5_000)
    await pause(2_000)
    pairs.push({ alone, beside, held: size })
    say(
      `p99 ${alone.p99.toFixed(2)} ms alone, ${beside.p99.toFixed(2)} ms beside ${size} slow connections; p50 ${alone.p50.toFixed(2)} and ${beside.p50.toFixed(2)} ms`,
    )
  }
  report(pairs, wrong)
}

function report(pairs: readonly Pair[], wrong: readonly string[]): void {
  const middle = (of: (pair: Pair) => number): number => median(pairs.map(of))
  const ratio = middle(({ alone, beside }) => beside.p99 / alone.p99)
  writeResult(
    {
      name: 'slow',
      metrics: [
        {
          metric: "others' p99 beside slow connections, to that without",
          unit: '',
          value: ratio,
          goal: GOAL_RATIO,
          met: ratio <= GOAL_RATIO,
        },
        { metric: "others' p99", unit: 'ms', value: middle(({ beside }) => beside.p99), peer: middle(({ alone }) => alone.p99) },
        { metric: "others' p50", unit: 'ms', value: middle(({ beside }) => beside.p50), peer: middle(({ alone }) => alone.p50) },
        {
          metric: 'cores that the server uses',
          unit: '',
          value: middle(({ beside }) => beside.cpu),
          peer: middle(({ alone }) => alone.cpu),
        },
        { metric: 'slow connections held at once', unit: '', value: middle(({ held }) => held) },
      ],
      series: pairs,
      notes: [
        `${wrong.length} answers to others that were not right${wrong.length > 0 ? `, the first: ${wrong[0]}` : ''}`,
        'auth and characters in one process on one core, over SQLite in memory; those that are cut come back a second later; of twenty one is a reader that does not read, the others are silent, or send headers line by line, or bodies byte by byte',
      ],
    },
    plot([
      {
        title: "others' p99 while slow connections are held",
        x: 'pair',
        y: 'ms',
        lines: [
          { name: 'without', points: pairs.map(({ alone }, at) => [at + 1, alone.p99] as const) },
          { name: 'beside them', points: pairs.map(({ beside }, at) => [at + 1, beside.p99] as const) },
        ],
      },
    ]),
  )
}
