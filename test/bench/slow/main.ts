// `npm run bench:slow`: how long others' requests take while thousands of slow connections are held open, beside the same without them.
import { setTimeout as pause } from 'node:timers/promises'
import { CpuMeter } from '../kit/cpu.ts'
import { type Child, OTHER_CORE, pin, SERVER_CORE, startChild } from '../kit/pinned.ts'
import { quick, say } from '../kit/result.ts'
import { stolenShare } from '../kit/stolen.ts'
import { askHonestly, type Question } from './honest.ts'
import { type Beside, type Pair, p99, report, type Sample } from './report.ts'

const SIZE = quick ? 1_000 : 5_000
/** Short, and many: what the machine does meanwhile falls on both sides. */
const PAIRS = quick ? 2 : 8
const START_LIMIT = 60_000
/**
 * They come within a second and a half, the readers have asked for all that they want two seconds later, and the first are cut when they have been there for ten (HTTP_HEADERS_LIMIT): between lies the time in which all of them
 * are held.
 */
const HELD = { perSecond: SIZE / 1.5, settleMs: 2_200, sampleMs: quick ? 3_000 : 5_800 }
/** They come within eight seconds. Then those that are cut come back at an even pace: about 300 a second of 5,000. */
const RETURNING = { perSecond: SIZE / 8, settleMs: quick ? 2_000 : 12_000, sampleMs: quick ? 4_000 : 10_000 }
/** Compiled, with what a process keeps for good. */
const WARM_UP = 5_000
/** What a crowd that went has left is done. */
const GONE = 2_500

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
    const stolen = stolenShare()
    const taken = await askHonestly(questions, { ms })
    wrong.push(...taken.wrong, ...(taken.refused > 0 ? [`503, ${taken.refused} times`] : []))
    return { took: taken.took, cpu: meter.stop().cpu, stolen: stolen() }
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
  const pair = async (how: typeof HELD, comesBack: boolean): Promise<Pair> => {
    const alone = await sample(how.sampleMs)
    return { alone, beside: await beside(how, comesBack) }
  }
  await sample(WARM_UP)
  const [held, returning]: [Pair[], Pair[]] = [[], []]
  for (let k = 0; k < PAIRS; k++) {
    const [one, other] = [await pair(HELD, false), await pair(RETURNING, true)]
    held.push(one)
    returning.push(other)
    say(
      `p99 ${both(one)} beside ${one.beside.held} held; ${both(other)} beside ${other.beside.held} of which ${Math.round(other.beside.cameBack)} a second come back`,
    )
  }
  report({ held, returning, wrong })
}

function both({ alone, beside }: Pair): string {
  return `${p99(alone).toFixed(2)} ms alone, ${p99(beside).toFixed(2)}`
}
