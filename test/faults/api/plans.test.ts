import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubernetesClient } from '../../../platform/kubernetes/client.ts'
import { type ApiServer, BUILD_LIMIT, startApiServer } from '../../api-server/server.ts'
import { extent, givenSeed } from '../extent.ts'
import { inTurns } from './in-turns.ts'
import { CONVERGED_WITHIN, castOf, type Outcome, planOf, playPlan, playUndisturbed, type Undisturbed } from './plans.ts'

const PLANS = extent({ quick: 10, usual: 60, full: 350 })
const seeds = givenSeed === undefined ? Array.from({ length: PLANS }, (_, index) => index + 1) : [givenSeed]

let server: ApiServer
let api: KubernetesClient
beforeAll(async () => {
  server = await startApiServer()
  api = server.client()
}, BUILD_LIMIT)
afterAll(async () => {
  api?.close()
  await server?.stop()
})

const keyOf = (seed: number): string => JSON.stringify(castOf(seed))

test(`${seeds.length} plans of faults end like the undisturbed run, and make and delete no more than it`, {
  timeout: 3_600_000,
}, async () => {
  const stage = { server, api }
  const undisturbed = new Map<string, Undisturbed>()
  const casts = new Map(seeds.map((seed) => [keyOf(seed), castOf(seed)]))
  await inTurns(
    [...casts].map(([key, { scenario, overRedis }]) => async () => {
      undisturbed.set(key, await playUndisturbed(stage, scenario, overRedis))
    }),
  )
  const outcomes = await inTurns(
    seeds.map((seed) => async () => {
      const compared = undisturbed.get(keyOf(seed))
      if (compared === undefined) throw new Error(`no undisturbed run for ${keyOf(seed)}`)
      const outcome = await playPlan(stage, planOf(seed, compared), compared)
      if (outcome.wrong !== undefined || givenSeed !== undefined) console.log(described(outcome))
      return outcome
    }),
  )
  console.log(summed(outcomes))
  expect(outcomes.filter(({ wrong }) => wrong !== undefined).map(({ plan }) => `BAILIWICK_SEED=${plan.seed} ${plan.scenario}`)).toEqual([])
  if (givenSeed === undefined) {
    // That the faults came is a part of what is shown.
    expect(outcomes.reduce((sum, { struck }) => sum + struck.length, 0)).toBeGreaterThan(seeds.length)
    expect(outcomes.filter(({ lives }) => lives > 1).length).toBeGreaterThan(0)
  }
})

function described({ plan, wrong, tookMs, struck, lives }: Outcome): string {
  const { seed, scenario, overRedis } = plan
  return `BAILIWICK_SEED=${seed} ${scenario}${overRedis ? ' over Redis' : ''}: ${lives} lives, ${tookMs.toFixed(0)} ms\n  ${struck.join('\n  ')}\n${wrong ?? 'as undisturbed'}`
}

function summed(outcomes: readonly Outcome[]): string {
  const took = outcomes.map(({ tookMs }) => tookMs).sort((a, b) => a - b)
  const at = (share: number): string => ((took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0) / 1_000).toFixed(1)
  const faults = outcomes.reduce((sum, { struck }) => sum + struck.length, 0)
  const deaths = outcomes.reduce((sum, { lives }) => sum + lives - 1, 0)
  const late = took.filter((ms) => ms > CONVERGED_WITHIN).length
  return `${outcomes.length} plans, ${faults} faults, ${deaths} crashes, ${late} later than ${CONVERGED_WITHIN / 1_000} s; from the last fault to the end: p50 ${at(0.5)} s, p99 ${at(0.99)} s, longest ${at(1)} s`
}
