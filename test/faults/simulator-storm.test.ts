import { expect, test } from 'vitest'
import { extent } from './extent.ts'
import { playMany, STORM } from './simulator/many.ts'

const schedules = extent({ quick: 8, usual: 250, full: 3_500 })

test(`${schedules} schedules with faults at any time: no tick confirmed twice, nothing is twice`, async () => {
  const done = await playMany(schedules, STORM)
  console.log(`${schedules} schedules:`, JSON.stringify(done))
  expect(done.ticks).toBeGreaterThan(0)
}, 3_600_000)
