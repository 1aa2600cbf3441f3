// `npm run bench:login`: logins a second on one core beside what argon2id alone reaches on it, the event loop meanwhile, and what twice the load does.

import { difference } from '../kit/paired.ts'
import { type Child, OTHER_CORE, pin, SERVER_CORE, startChild } from '../kit/pinned.ts'
import { median, quick, say, writeResult } from '../kit/result.ts'
import { plot } from '../kit/svg.ts'
import { guess, type LoadReport, load } from './load.ts'

const ACCOUNTS = quick ? 50 : 400
/** Short, and many: what the machine does meanwhile falls on both sides. */
const SECONDS = quick ? 4 : 6
const PAIRS = quick ? 2 : 12
const CONNECTIONS = 16
const GOAL_SHARE = 0.9
const GOAL_LOOP = 20
const GOAL_GOODPUT = 0.95
const GOAL_REFUSAL = 100
/** Making the accounts takes a hash each. */
const START_LIMIT = 120_000

pin(process.pid, OTHER_CORE)
const server = startChild(`${import.meta.dirname}/server.ts`, SERVER_CORE)
try {
  await measure(server)
} finally {
  await server.end()
}

interface Pair {
  /** The mean of the one before and the one after. */
  readonly argon: number
  readonly full: LoadReport
  readonly loop: number
  readonly twice: LoadReport
}

async function measure(child: Child): Promise<void> {
  const port = await child.call<number>('auth', { accounts: ACCOUNTS }, START_LIMIT)
  const world = { port, accounts: ACCOUNTS, seconds: SECONDS }
  await load({ ...world, seconds: 1 }, { connections: CONNECTIONS })
  const alone = (): Promise<number> => child.call<number>('argon', { seconds: SECONDS }, (SECONDS + 30) * 1_000)
  const pairs: Pair[] = []
  let before = await alone()
  for (let k = 0; k < PAIRS; k++) {
    await child.call('watch', {}, 5_000)
    const full = await load(world, { connections: CONNECTIONS })
    const loop = await child.call<number>('watched', {}, 5_000)
    const twice = await load(world, { perSecond: full.done * 2 })
    const after = await alone()
    const argon = (before + after) / 2
    before = after
    pairs.push({ argon, full, loop, twice })
    say(
      `argon2id alone ${argon.toFixed(1)}/s, logins ${full.done.toFixed(1)}/s, event loop p99 ${loop.toFixed(1)} ms; at twice the load ${twice.done.toFixed(1)}/s, refusals p99 ${twice.refusedP99.toFixed(1)} ms`,
    )
  }
  // Fewer than what makes a network wait.
  report(pairs, await guess(port, Math.min(45, ACCOUNTS)))
}

function report(pairs: readonly Pair[], guesses: Awaited<ReturnType<typeof guess>>): void {
  const middle = (of: (pair: Pair) => number): number => median(pairs.map(of))
  const share = middle(({ argon, full }) => full.done / argon)
  const goodput = middle(({ full, twice }) => twice.done / full.done)
  const [loop, refusal] = [middle((pair) => pair.loop), middle((pair) => pair.twice.refusedP99)]
  const told = difference(guesses.wrong, guesses.unknown)
  const others = pairs.reduce((sum, { full, twice }) => sum + full.others + twice.others, 0)
  writeResult(
    {
      name: 'login',
      metrics: [
        { metric: 'logins', unit: '/s', value: middle((pair) => pair.full.done), peer: middle((pair) => pair.argon) },
        { metric: 'share of argon2id alone', unit: '', value: share, goal: GOAL_SHARE, met: share >= GOAL_SHARE },
        { metric: 'event loop delay p99', unit: 'ms', value: loop, goal: GOAL_LOOP, met: loop <= GOAL_LOOP },
        { metric: 'goodput at twice the load', unit: '', value: goodput, goal: GOAL_GOODPUT, met: goodput >= GOAL_GOODPUT },
        { metric: 'refusal p99 at twice the load', unit: 'ms', value: refusal, goal: GOAL_REFUSAL, met: refusal <= GOAL_REFUSAL },
        { metric: 'login p99', unit: 'ms', value: middle((pair) => pair.full.doneP99), peer: middle((pair) => pair.twice.doneP99) },
        {
          metric: 'refusal of a wrong password, beside that of an unknown name, p50',
          unit: 'ms',
          value: median(guesses.wrong),
          peer: median(guesses.unknown),
        },
        { metric: 'an unknown name takes longer by, p50', unit: 'ms', value: told.median },
      ],
      series: [...pairs, guesses],
      notes: [
        `${others} answers that were neither 201 nor 503`,
        `an unknown name takes ${told.low.toFixed(2)} to ${told.high.toFixed(2)} ms longer than a wrong password, with 95% confidence; Mann-Whitney p ${told.p.toFixed(2)}, AUC ${told.auc.toFixed(2)}, ${guesses.wrong.length} pairs`,
        'the service and its hashes have one core, the load has the other; the store is SQLite in memory',
      ],
    },
    plot([
      {
        title: 'logins a second on one core',
        x: 'pair',
        y: 'a second',
        lines: [
          { name: 'argon2id alone', points: pairs.map(({ argon }, at) => [at + 1, argon] as const) },
          { name: 'logins', points: pairs.map(({ full }, at) => [at + 1, full.done] as const) },
          { name: 'logins at twice the load', points: pairs.map(({ twice }, at) => [at + 1, twice.done] as const) },
        ],
      },
    ]),
  )
}
