import { expect, test } from 'vitest'
import { extent } from './extent.ts'
import { playMany, SINGLE } from './simulator/many.ts'

const schedules = extent({ quick: 8, usual: 250, full: 3_500 })

test(`${schedules} schedules with one fault at a time: nothing confirmed is lost, nothing is twice`, async () => {
  const done = await playMany(schedules, SINGLE)
  console.log(`${schedules} schedules:`, JSON.stringify(done))
  expect(done.ticks).toBeGreaterThan(0)
}, 1_200_000)
