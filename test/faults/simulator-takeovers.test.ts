import { expect, test } from 'vitest'
import { extent } from './extent.ts'
import { playMany, TAKEOVERS } from './simulator/many.ts'

const schedules = extent({ quick: 8, usual: 250, full: 3_000 })

test(`${schedules} schedules in which owners come back late: no tick confirmed twice, nothing is twice`, async () => {
  const done = await playMany(schedules, TAKEOVERS)
  console.log(`${schedules} schedules:`, JSON.stringify(done))
  expect(done.ticks).toBeGreaterThan(0)
}, 3_600_000)
