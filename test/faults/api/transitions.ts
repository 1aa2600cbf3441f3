import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { describeError, isCode } from '../../../core/errors.ts'
import type { Condition } from '../../../core/zone.ts'
import { endStateNow } from './end-state.ts'
import { type Field, tour, withField } from './field-values.ts'
import { footingHere } from './operator-here.ts'
import type { Stage } from './plans.ts'
import { differences } from './plans.ts'
import { Strikes } from './strikes.ts'
import { bounds, PATIENCE, World } from './world.ts'

/** A state that stays the same for so long is taken for the last: longer than an idle zone takes to sleep, its host to beat twice and its status to be written. */
const REST_MS = 3_000

export interface Walked {
  readonly field: string
  readonly transitions: number
  readonly refused: number
  readonly unhosted: number
  readonly wrong: readonly string[]
}

/** A value that was reached: the state it ended in, and the spec it was reached from. */
interface Visit {
  readonly state: unknown
  readonly from: Record<string, unknown>
}

let walks = 0

/**
 * Takes one zone through every transition of one field. Each is either refused by the API server with a sentence, and changes nothing, or ends in a state that
 * depends on the spec alone, not on the way there: hosted as asked, or with a condition that says why not, and what was hosted before goes on.
 */
export async function walk({ server, api }: Pick<Stage, 'server' | 'api'>, field: Field, most: number): Promise<Walked> {
  const world = await World.create(server, api, `field-${++walks}`, new Strikes([]), await footingHere(false))
  const wrong: string[] = []
  let [transitions, refused, unhosted] = [0, 0, 0]
  try {
    await world.addHost('zone-meadow', 'm1')
    const base = baseOf(field.path)
    await world.apply('meadow', base)
    const known = new Map<string, Visit>()
    let from: Record<string, unknown> = { bounds, ...base }
    let last: unknown
    for (const value of tour(field.values).slice(0, most)) {
      const spec = withField({ bounds, ...base }, field.path, value)
      const said = await change(world, spec)
      transitions += 1
      if (said !== undefined) {
        refused += 1
        if (!/found: 4\d\d .*[a-z]{3}/s.test(said)) wrong.push(`${told(field, value)}: refused without a sentence: ${said}`)
        continue
      }
      const key = JSON.stringify(value) ?? 'absent'
      const visit = known.get(key)
      const end = await settled(world, visit?.state, last)
      last = end.state
      if (end.unhosted) unhosted += 1
      const mistaken = end.differs && visit !== undefined && (await wasMistaken(world, visit, spec, end.state))
      if (end.trouble !== undefined && !mistaken)
        wrong.push(`${told(field, value)}: ${end.trouble}\n${world.lines.slice(-Number(process.env['BAILIWICK_LINES'] ?? 10)).join('\n')}`)
      else known.set(key, { state: end.state, from })
      from = spec
    }
  } catch (error) {
    wrong.push(`${field.path}: ${describeError(error)}\n${world.lines.slice(-20).join('\n')}`)
  }
  await world.end().catch((error: unknown) => wrong.push(`${field.path}, at the end: ${describeError(error)}`))
  return { field: field.path, transitions, refused, unhosted, wrong }
}

/** A hosted zone in which a change of the field shows. */
function baseOf(path: string): Record<string, unknown> {
  const common = { activation: 'Always', idleAfter: '1s' }
  if (path.startsWith('dedicated')) return { ...common, dedicated: { from: 'zone-servers' } }
  return common
}

/** What the API server said when it refused; undefined: it took it. */
async function change(world: World, spec: Record<string, unknown>): Promise<string | undefined> {
  try {
    await world.replaceSpec('meadow', spec)
    return undefined
  } catch (error) {
    if (isCode(error, 'KubernetesRefused')) return describeError(error)
    throw error
  }
}

interface Settled {
  readonly state: unknown
  /** It is not as asked, and a condition says why. */
  readonly unhosted: boolean
  readonly trouble: string | undefined
  /** It is at rest, in another state than the one that was wanted. */
  readonly differs: boolean
}

/** On a busy machine a state that was about to change can be taken for the last. It was if the same way, gone once more, ends in the state found now. */
async function wasMistaken(world: World, { from }: Visit, spec: Record<string, unknown>, found: unknown): Promise<boolean> {
  if ((await change(world, from)) !== undefined) return false
  const { state: before } = await settled(world, undefined, undefined)
  if ((await change(world, spec)) !== undefined) return false
  return (await settled(world, found, before)).trouble === undefined
}

/**
 * The state in which the zone stays; `wanted`: the one that it had the last time with this spec; `last`: the one before the change. What is hosted goes on as it was when the
 * spec can't be hosted: then that is what has to come out.
 */
async function settled(world: World, wanted: unknown, last: unknown): Promise<Settled> {
  const end = performance.now() + PATIENCE
  let before: unknown
  for (;;) {
    const zone = await world.zone('meadow')
    const current = zone !== undefined && zone.status?.observedGeneration === zone.metadata.generation
    const conditions = zone?.status?.conditions ?? []
    const state = anywhere(await endStateNow(world))
    const why = current ? unanswered(conditions) : 'its status is about another generation'
    const stays = isDeepStrictEqual(state, before)
    const isKept =
      conditions.some(({ type, status }) => type === 'Accepted' && status === 'False') && isDeepStrictEqual(hosted(state), hosted(last))
    const agrees = wanted === undefined ? stays : isDeepStrictEqual(state, wanted) || (stays && isKept)
    const unhosted = conditions.some(({ type, status }) => type !== 'Progressing' && status !== 'True')
    if (why === undefined && agrees) return { state, unhosted, trouble: undefined, differs: false }
    if (performance.now() > end) {
      const paths = wanted === undefined ? ['it does not come to rest'] : differences(wanted, state).slice(0, 6)
      const trouble = [why ?? 'the state depends on the way there', ...paths].join('\n  ')
      return { state, unhosted, trouble, differs: why === undefined && wanted !== undefined }
    }
    before = state
    await delay(wanted === undefined ? REST_MS : 100)
  }
}

/** Why the conditions are no answer; undefined: the zone is as asked, or they say why it is not. */
function unanswered(conditions: readonly Condition[]): string | undefined {
  if (conditions.length === 0) return 'no conditions'
  const mute = conditions.find(({ reason, message }) => reason === '' || message.trim() === '')
  if (mute !== undefined) return `${mute.type} does not say why`
  const excused = conditions.some(({ type, status }) => type !== 'Progressing' && status !== 'True')
  const moving = conditions.find(({ type, status }) => type === 'Progressing' && status === 'True')
  return moving !== undefined && !excused ? `still progressing: ${moving.message}` : undefined
}

/** Where the zone is hosted, and with what settings. */
function hosted(state: unknown): unknown {
  const { settings, index } = (state ?? {}) as { readonly settings?: unknown; readonly index?: unknown }
  return { settings, index }
}

/** Without what counts changes. */
function anywhere(state: unknown): unknown {
  return JSON.parse(JSON.stringify(state, (key, value) => (key === 'generation' || key === 'observedGeneration' ? undefined : value)))
}

function told({ path }: Field, value: unknown): string {
  return `${path} = ${(JSON.stringify(value) ?? 'absent').slice(0, 80)}`
}
