import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { describeError } from '../../../core/errors.ts'
import type { KubernetesClient } from '../../../platform/kubernetes/client.ts'
import type { ApiServer } from '../../api-server/server.ts'
import { chanceOf } from './chance.ts'
import { endStateNow } from './end-state.ts'
import type { Footing } from './footing.ts'
import type { Done } from './proxy.ts'
import { scenarios } from './scenarios.ts'
import { planStrikes, type Seen, type Strike, Strikes } from './strikes.ts'
import { PATIENCE, World } from './world.ts'

/** Everything is to be as it shall so long after the last fault: the figure that is told. What a machine that is busy with other things needs is no fault: the test waits longer. */
export const CONVERGED_WITHIN = 60_000
/** An end state that stays the same for so long is one. */
const REST_MS = 4_000
/** Every n-th plan has its index in a Redis of its own. */
const REDIS_EVERY = 5

export interface Undisturbed {
  readonly end: unknown
  readonly done: Done
  readonly seen: Seen
}

export interface Plan {
  readonly seed: number
  readonly scenario: string
  readonly overRedis: boolean
  readonly strikes: readonly Strike[]
}

export interface Outcome {
  readonly plan: Plan
  /** Undefined: as the undisturbed run. */
  readonly wrong: string | undefined
  /** From the last fault to the undisturbed end, ms. */
  readonly tookMs: number
  readonly struck: readonly string[]
  readonly lives: number
}

export interface Stage {
  readonly server: ApiServer
  readonly api: KubernetesClient
  /** What each world stands on. */
  readonly footing: (overRedis: boolean) => Promise<Footing>
}

let runs = 0

/** Which scenario a seed plays, and over what. */
export function castOf(seed: number): { readonly scenario: string; readonly overRedis: boolean } {
  const names = Object.keys(scenarios)
  return { scenario: names[seed % names.length] ?? 'create', overRedis: Math.floor(seed / names.length) % REDIS_EVERY === 1 }
}

export function planOf(seed: number, undisturbed: Undisturbed): Plan {
  const cast = castOf(seed)
  return { seed, ...cast, strikes: planStrikes(chanceOf(seed), undisturbed.seen, cast.overRedis) }
}

/** The run that all others of its scenario are compared with. */
export async function playUndisturbed({ server, api, footing }: Stage, scenario: string, overRedis: boolean): Promise<Undisturbed> {
  const world = await World.create(server, api, `${scenario}-still-${++runs}`, new Strikes([]), await footing(overRedis))
  let before: unknown
  const wrong: string[] = []
  try {
    await play(world, scenario)
    await world.until('an end state that stays', async () => {
      const end = await endStateNow(world)
      const same = isWhole(end) && isDeepStrictEqual(end, before)
      before = end
      if (!same) await delay(REST_MS)
      return same
    })
  } catch (error) {
    wrong.push(describeError(error), lastLines(world))
  }
  await world.end().catch((error: unknown) => wrong.push(describeError(error)))
  if (wrong.length > 0) throw new Error(`${scenario}, undisturbed${overRedis ? ', over Redis' : ''}: ${wrong.join('\n')}`)
  return { end: before, done: world.done, seen: world.strikes.seen }
}

/** Plays a plan and compares its end, and what it made and deleted on the way. */
export async function playPlan({ server, api, footing }: Stage, plan: Plan, undisturbed: Undisturbed): Promise<Outcome> {
  const name = `${plan.scenario}-${plan.seed}-${++runs}`
  const world = await World.create(server, api, name, new Strikes(plan.strikes), await footing(plan.overRedis))
  let end: unknown
  let wrong: string | undefined
  const begun = performance.now()
  try {
    await play(world, plan.scenario)
    await world.until(
      'the end state of the undisturbed run',
      async () => {
        end = await endStateNow(world)
        return isDeepStrictEqual(end, undisturbed.end)
      },
      PATIENCE,
    )
    wrong = tooMuch(world.done, undisturbed.done)
  } catch (error) {
    wrong = [describeError(error), ...differences(undisturbed.end, end).slice(0, 12), lastLines(world)].join('\n')
  }
  // What was wrong before says more than what came of it at the end.
  await world.end().catch((error: unknown) => {
    wrong ??= describeError(error)
  })
  const tookMs = performance.now() - Math.max(begun, world.strikes.lastAt)
  return { plan, wrong, tookMs, struck: world.strikes.done, lives: world.lives }
}

function lastLines({ lines }: World): string {
  return lines.slice(-Number(process.env['BAILIWICK_LINES'] ?? 30)).join('\n')
}

async function play(world: World, scenario: string): Promise<void> {
  for (const step of scenarios[scenario] ?? []) {
    await step.act(world)
    await step.until(world)
  }
}

/** On a busy machine nothing may happen for a while: an end has the settings of every zone, and every status its fleet. */
function isWhole(end: unknown): boolean {
  const { zones, settings } = end as { zones?: readonly { status: { fleet?: string } }[]; settings?: readonly unknown[] }
  return zones !== undefined && zones.length === settings?.length && zones.every(({ status }) => status.fleet !== undefined)
}

function tooMuch(done: Done, allowed: Done): string | undefined {
  for (const what of ['creates', 'deletes'] as const) {
    for (const [plural, count] of Object.entries(done[what])) {
      const most = allowed[what][plural] ?? 0
      if (count > most) return `${what} of ${plural}: ${count}, undisturbed ${most}`
    }
  }
  return undefined
}

/** Paths at which two plain values differ. */
export function differences(wanted: unknown, found: unknown, path = ''): readonly string[] {
  if (isDeepStrictEqual(wanted, found)) return []
  const both = [wanted, found]
  if (!both.every((one) => typeof one === 'object' && one !== null))
    return [`${path}: ${JSON.stringify(wanted)} is ${JSON.stringify(found)}`]
  const [a, b] = both as [Record<string, unknown>, Record<string, unknown>]
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) => differences(a[key], b[key], `${path}/${key}`))
}

/** It went wrong, or took longer than it may on a quiet machine. */
export function isTold({ wrong, tookMs }: Outcome): boolean {
  return wrong !== undefined || tookMs > CONVERGED_WITHIN
}

/** What came in a plan, and how it ended. */
export function described({ plan, wrong, tookMs, struck, lives }: Outcome): string {
  const { seed, scenario, overRedis } = plan
  return `BAILIWICK_SEED=${seed} ${scenario}${overRedis ? ' over Redis' : ''}: ${lives} lives, ${tookMs.toFixed(0)} ms\n  ${struck.join('\n  ')}\n${wrong ?? 'as undisturbed'}`
}

/** The figures of many plans. */
export function summed(outcomes: readonly Outcome[]): string {
  const took = outcomes.map(({ tookMs }) => tookMs).sort((a, b) => a - b)
  const at = (share: number): string => ((took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0) / 1_000).toFixed(1)
  const faults = outcomes.reduce((sum, { struck }) => sum + struck.length, 0)
  const deaths = outcomes.reduce((sum, { lives }) => sum + lives - 1, 0)
  const late = took.filter((ms) => ms > CONVERGED_WITHIN).length
  return `${outcomes.length} plans, ${faults} faults, ${deaths} crashes, ${late} later than ${CONVERGED_WITHIN / 1_000} s; from the last fault to the end: p50 ${at(0.5)} s, p99 ${at(0.99)} s, longest ${at(1)} s`
}
