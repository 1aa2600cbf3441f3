import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubernetesClient } from '../../../platform/kubernetes/client.ts'
import { type ApiServer, BUILD_LIMIT, startApiServer } from '../../api-server/server.ts'
import { extent, givenSeed, seedsUpTo } from '../extent.ts'
import { inTurns } from './in-turns.ts'
import { footingHere } from './operator-here.ts'
import { castOf, described, isTold, planOf, playPlan, playUndisturbed, summed, type Undisturbed } from './plans.ts'

const PLANS = extent({ quick: 10, usual: 60, full: 350 })
const seeds = seedsUpTo(PLANS)

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
  const stage = { server, api, footing: footingHere }
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
      if (isTold(outcome) || givenSeed !== undefined) console.log(described(outcome))
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
