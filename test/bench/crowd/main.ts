// `npm run bench:crowd`: how many clients one core holds, ours and Colyseus in turn. Prints, and writes bench/results/crowd.json and crowd.svg.
import { canPin } from '../kit/pinned.ts'
import { quick, writeResult } from '../kit/result.ts'
import type { Side } from '../kit/side.ts'
import { installPeer } from './peer.ts'
import { type Plan, Rounds } from './rounds.ts'
import { crowdPlot, summary } from './summary.ts'

const MINUTE = 60_000
const whole: Plan = {
  steps: { bailiwick: [200, 400, 1_000, 1_600, 2_000, 2_400, 2_800, 3_200, 3_500], colyseus: [200, 400, 600, 800] },
  equal: [200, 400],
  rounds: 5,
  measureMs: 4_000,
  limitMs: 11 * MINUTE,
}
const rough: Plan = {
  steps: { bailiwick: [400, 2_000], colyseus: [400] },
  equal: [400],
  rounds: 0,
  measureMs: 3_000,
  limitMs: 0.75 * MINUTE,
}

const plan = quick ? rough : whole
const missing = installPeer()
const sides: readonly Side[] = missing === undefined ? ['bailiwick', 'colyseus'] : ['bailiwick']
const notes = [
  ...(missing === undefined ? [] : [`Colyseus could not be installed (${missing}): there is nothing beside it`]),
  ...(canPin
    ? []
    : ['one core, or no taskset: nothing is pinned, and server and load take from each other; the figures are not comparable']),
  ...(quick ? ['quick: one rough run of each'] : []),
]
const outcome = await new Rounds(plan, sides).run()
writeResult(summary(outcome, plan.equal, notes), crowdPlot(outcome))
