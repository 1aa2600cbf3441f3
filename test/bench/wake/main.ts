// `npm run bench:wake`: joins of sleeping zones until the first state frame, with a host beside them and without; -- --quick: fewer.
import { setTimeout as delay } from 'node:timers/promises'
import { keepAwake } from '../kit/awake.ts'
import { median, quick, say, writeResult } from '../kit/result.ts'
import { plot } from '../kit/svg.ts'
import { callCosts, type TracedWake } from './calls.ts'
import { STEPS, type Wake, wake } from './wake.ts'
import { characterOf, World, zoneOf } from './world.ts'

const WAKES = quick ? 40 : 250
/** The first ones compile the code, and are not counted. */
const WARM_UP = 20
const COLD_WAKES = quick ? 3 : 12
const GOAL_P50 = 10
const GOAL_P99 = 50

/** Wakes each zone once, one after the other. */
async function wakeAll(world: World): Promise<readonly TracedWake[]> {
  const wakes: TracedWake[] = []
  for (let n = 0; n < WAKES + WARM_UP; n++) {
    const one = await wake(world.door, zoneOf(n), characterOf(n), world.notices)
    const calls = await world.calls()
    if (n >= WARM_UP) wakes.push({ wake: one, calls })
    // What it does to fall asleep again is no part of the next one.
    await world.asleep()
    await delay(Math.random() * 20)
  }
  return wakes
}

/** A join while no host is there; one is started with it. */
async function wakeCold(world: World): Promise<readonly Wake[]> {
  const wakes: Wake[] = []
  for (let n = 0; n < COLD_WAKES; n++) {
    await world.endHost()
    const [one] = await Promise.all([wake(world.door, zoneOf(n), characterOf(n), world.notices), world.startHost()])
    wakes.push(one)
    await world.asleep()
  }
  return wakes
}

function quantile(share: number, values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

const world = await World.start(WAKES + WARM_UP)
await world.startHost()
const first = await wakeAll(world)
say(`${first.length} wakes of zones that were never awake`)
const again = await wakeAll(world)
say(`${again.length} wakes of the same zones`)
const settle = keepAwake()
const kept = settle === undefined ? [] : await wakeAll(world)
await settle?.()
say(`${kept.length} wakes of the same zones, with cores that do not sleep`)
const cold = await wakeCold(world)
say(`${cold.length} cold wakes`)
await world.end()

const whole = (wakes: readonly TracedWake[]): readonly number[] => wakes.map(({ wake: { whole: ms } }) => ms)
const wakes = again.map((one) => one.wake)
const [p50, p99] = [quantile(0.5, whole(again)), quantile(0.99, whole(again))]
const [firstP50, firstP99] = [quantile(0.5, whole(first)), quantile(0.99, whole(first))]
const title = 'join of a sleeping zone to its first state frame'
writeResult(
  {
    name: 'wake',
    metrics: [
      { metric: `${title}, p50`, value: p50, unit: 'ms', goal: GOAL_P50, met: p50 <= GOAL_P50 },
      { metric: `${title}, p99`, value: p99, unit: 'ms', goal: GOAL_P99, met: p99 <= GOAL_P99 },
      ...STEPS.map((step) => ({ metric: `of it, ${step}, median`, value: median(wakes.map((one) => one[step])), unit: 'ms' })),
      ...['assigned', 'being claimed', 'served'].map((what, at) => ({
        metric: `told that it is ${what}, median`,
        value: median(wakes.map(({ told }) => told[at] ?? 0)),
        unit: 'ms',
      })),
      ...(kept.length === 0
        ? []
        : [
            { metric: 'with cores that are kept from sleeping, p50', value: quantile(0.5, whole(kept)), unit: 'ms' },
            { metric: 'with cores that are kept from sleeping, p99', value: quantile(0.99, whole(kept)), unit: 'ms' },
          ]),
      { metric: 'of a zone that was never awake, p50', value: firstP50, unit: 'ms', goal: GOAL_P50, met: firstP50 <= GOAL_P50 },
      { metric: 'of a zone that was never awake, p99', value: firstP99, unit: 'ms', goal: GOAL_P99, met: firstP99 <= GOAL_P99 },
      {
        metric: 'cold, with the start of a host’s process in place of a pod, median',
        value: median(cold.map((one) => one.whole)),
        unit: 'ms',
      },
      { metric: 'cold, the longest', value: Math.max(...cold.map((one) => one.whole)), unit: 'ms' },
      ...callCosts(again).map(({ name, at, took }) => ({ metric: `${name}, at ${at.toFixed(1)} ms`, value: took, unit: 'ms' })),
    ],
    series: [{ first: first.map((one) => one.wake), again: wakes, kept: kept.map((one) => one.wake), cold, firstCalls: callCosts(first) }],
    notes: [
      'answered: request to ticket; connected: TCP; opened: the hello is held until the host has said that it serves the layer; seen: from then to the first state frame',
      'told: when the client’s own watch of the fleet heard it, since the request',
      'the calls are medians: when each begins after the request, and how long it takes; some overlap',
      'kept from sleeping: by loops that run only when nobody else wants to; a virtual machine that has nothing to do gives its cores away, and gets them back late',
      'cold: a process is started in the moment of the join; what Agones and the kubelet take, and the second between two polls of the webhook, come on top',
      'zone server alone on core 0; allocator, Redis and the client on core 1; store: SQLite in a file',
      ...(quick ? ['quick: fewer wakes'] : []),
    ],
  },
  plot([
    {
      ...{ title: 'Wakes that were over within', x: 'ms', y: '% of wakes' },
      lines: [
        { name: 'whole', of: wakes.map((one) => one.whole) },
        { name: 'whole, the first time', of: whole(first) },
        { name: 'served', of: wakes.map(({ told: [, , serving] }) => serving) },
        { name: 'seen', of: wakes.map((one) => one.seen) },
      ].map(({ name, of }) => ({
        name,
        points: Array.from({ length: 41 }, (_, n): readonly [number, number] => [quantile(n / 41, of), (n / 41) * 100]),
      })),
      levels: [{ name: 'half', y: 50 }],
    },
  ]),
)
