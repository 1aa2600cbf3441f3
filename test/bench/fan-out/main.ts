// `npm run bench:fan-out`: what sending costs with no game behind, beside the kernel alone, and what the whole game adds to it.
import { join } from 'node:path'
import { MAX_WAITED } from '../crowd/rule.ts'
import { runCrowd } from '../crowd/run.ts'
import { compile } from '../kit/compile.ts'
import { canPin } from '../kit/pinned.ts'
import { type Metric, median, quick, say, writeResult } from '../kit/result.ts'
import { type Line, plot } from '../kit/svg.ts'
import { type Kind, runFanOut, type Sample } from './run.ts'

const CLIENTS = 2_000
const ROUNDS = quick ? 1 : 5
const MEASURE = quick ? 3_000 : 4_000
const LIMIT = (quick ? 0.7 : 10) * 60_000
/** Of what the kernel alone costs; and of what our transport costs. */
const GOAL_TRANSPORT = 1.4
const GOAL_GAME = 1.25
/** A run that others disturbed is repeated so often. */
const REPEATS = 2

const began = performance.now()
const epoll = compile('epoll', [join(import.meta.dirname, 'epoll.c')])
const kinds: readonly Kind[] = ['game', 'transport', ...(epoll === undefined ? [] : (['epoll'] as const)), 'ws']
const samples: Sample[] = []
let thrownAway = 0
/** Of a state frame of the game; known from its first run on. */
let bytes = 250

for (let round = 1; round <= ROUNDS; round++) {
  for (const kind of kinds) {
    if (performance.now() - began < LIMIT) await one(kind, round)
  }
}
report()

async function one(kind: Kind, round: number): Promise<void> {
  for (let attempt = 0; attempt <= REPEATS; attempt++) {
    const sample =
      kind === 'game'
        ? await game(round)
        : await runFanOut({ kind, bytes, epoll: epoll ?? '', clients: CLIENTS, measureMs: MEASURE }, round)
    const others = sample.waited >= MAX_WAITED
    say(
      `${kind}: core ${percent(sample.core)} (waited ${percent(sample.waited)}), gap p99 ${sample.p99.toFixed(1)} ms, ${percent(sample.arrived)} of frames${others ? ', thrown away' : ''}`,
    )
    if (!others) {
      samples.push(sample)
      return
    }
    thrownAway++
  }
}

async function game(round: number): Promise<Sample> {
  const run = await runCrowd({ side: 'bailiwick', clients: CLIENTS, measureMs: MEASURE, seed: round })
  // All bytes that came, shared out over the frames, without the 4 bytes of their WebSocket headers.
  bytes = Math.max(16, Math.round((run.bytesPerClientSecond * run.seconds * run.clients) / Math.max(1, run.arrived)) - 4)
  return { kind: 'game', round, core: run.server.cpu, waited: run.server.waited, p99: run.gaps.p99, arrived: run.arrived / run.due }
}

function report(): void {
  const of = (kind: Kind): readonly Sample[] => samples.filter((sample) => sample.kind === kind)
  const core = (kind: Kind): number => median(of(kind).map((sample) => sample.core))
  const ratio = (kind: Kind, other: Kind): number => {
    const pairs = of(kind).flatMap((sample) =>
      of(other)
        .filter(({ round }) => round === sample.round)
        .map((beside) => sample.core / beside.core),
    )
    return median(pairs)
  }
  const compared = (metric: string, kind: Kind, other: Kind, goal?: number): readonly Metric[] => {
    if (of(kind).length === 0 || of(other).length === 0) return []
    const value = ratio(kind, other)
    return [{ metric, value, unit: 'times', goal, met: goal === undefined ? undefined : value <= goal }]
  }
  const metrics: Metric[] = [
    ...kinds
      .filter((kind) => of(kind).length > 0)
      .map((kind) => ({ metric: `core used by ${kind} at ${CLIENTS} clients`, value: core(kind), unit: 'cores' })),
    ...compared('transport to epoll', 'transport', 'epoll', GOAL_TRANSPORT),
    ...compared('game to transport', 'game', 'transport', GOAL_GAME),
    ...compared('ws to transport', 'ws', 'transport'),
  ]
  const notes = [
    `frames of ${bytes} bytes, as the game's; ${samples.length} runs counted, ${thrownAway} thrown away because others had the server's core`,
    ...(epoll === undefined ? ['no gcc: the C loop could not be made'] : []),
    ...(canPin ? [] : ['one core, or no taskset: nothing is pinned, the figures are not comparable']),
  ]
  const lines: Line[] = kinds.map((kind) => ({ name: kind, points: of(kind).map(({ round, core: used }) => [round, used]) }))
  writeResult(
    { name: 'fan-out', metrics, series: samples, notes },
    plot([{ title: `Core used at ${CLIENTS} clients`, x: 'round', y: 'cores', lines, top: 1 }]),
  )
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`
}
