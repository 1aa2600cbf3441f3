import { expect, test } from 'vitest'
import { extent, givenSeed } from './extent.ts'
import { KILLS } from './simulator/many.ts'
import { runSchedule } from './simulator/schedule.ts'

const actions = extent({ quick: 1_000, usual: 10_000, full: 100_000 })
const seed = givenSeed ?? 1

test(`${actions} joins, leaves, drops, gives and kills: every item and character is there once (BAILIWICK_SEED=${seed})`, async () => {
  const result = await runSchedule(seed, { ...KILLS, actions })
  if (result.failure !== undefined) console.error(result.lines.slice(-60).join('\n'))
  expect(result.failure).toBeUndefined()
  expect(result.joins + result.inputs + result.kills).toBeGreaterThanOrEqual(actions)
  console.log(JSON.stringify({ ...result, lines: undefined }))
}, 3_600_000)
