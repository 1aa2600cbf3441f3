import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubernetesClient } from '../../../platform/kubernetes/client.ts'
import { type ApiServer, BUILD_LIMIT, startApiServer } from '../../api-server/server.ts'
import { type MongoServer, startMongo } from '../../contract/mongo-server.ts'
import { extent, givenSeed, seedsUpTo } from '../extent.ts'
import { chanceOf } from './chance.ts'
import { inTurns } from './in-turns.ts'
import { footingOfProcess } from './operator-process.ts'
import { described, isTold, playPlan, playUndisturbed, summed, type Undisturbed } from './plans.ts'
import { scenarios } from './scenarios.ts'
import { planKills } from './strikes.ts'

/** Not in `npm test`. */
const PLANS = extent({ quick: 4, usual: 4, full: 60 })
const seeds = seedsUpTo(PLANS)
/** Each plan has several processes of its own. */
const AT_ONCE = 3

let server: ApiServer
let api: KubernetesClient
let mongo: MongoServer
const folder = mkdtempSync(join(tmpdir(), 'bailiwick-killed-'))
beforeAll(async () => {
  server = await startApiServer()
  api = server.client()
  mongo = await startMongo()
}, BUILD_LIMIT)
afterAll(async () => {
  api?.close()
  await mongo?.remove()
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const names = Object.keys(scenarios)
/** Jumps, so that a few seeds are of different kinds. */
const scenarioOf = (seed: number): string => names[(seed * 3) % names.length] ?? 'create'

test(`the operator's process is killed (SIGKILL) before and after what it writes, in ${seeds.length} plans, and the next one ends as if nothing had been`, {
  timeout: 3_600_000,
}, async () => {
  let leasesLost = 0
  const onLeaseLost = (): void => {
    leasesLost += 1
  }
  const stage = { server, api, footing: () => footingOfProcess({ mongo, folder, onLeaseLost }) }
  const undisturbed = new Map<string, Undisturbed>()
  const played = [...new Set(seeds.map(scenarioOf))]
  await inTurns(
    played.map((scenario) => async () => void undisturbed.set(scenario, await playUndisturbed(stage, scenario, true))),
    AT_ONCE,
  )
  const outcomes = await inTurns(
    seeds.map((seed) => async () => {
      const scenario = scenarioOf(seed)
      const compared = undisturbed.get(scenario)
      if (compared === undefined) throw new Error(`no undisturbed run of ${scenario}`)
      const plan = { seed, scenario, overRedis: true, strikes: planKills(chanceOf(seed), compared.seen) }
      const outcome = await playPlan(stage, plan, compared)
      if (isTold(outcome) || givenSeed !== undefined) console.log(described(outcome))
      return outcome
    }),
    AT_ONCE,
  )
  console.log(`${summed(outcomes)}; ${leasesLost} leases lost`)
  expect(outcomes.filter(({ wrong }) => wrong !== undefined).map(({ plan }) => `BAILIWICK_SEED=${plan.seed} ${plan.scenario}`)).toEqual([])
  // That processes were killed is a part of what is shown.
  expect(outcomes.reduce((sum, { lives }) => sum + lives - 1, 0)).toBeGreaterThanOrEqual(givenSeed === undefined ? seeds.length : 1)
})
