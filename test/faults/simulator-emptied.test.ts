import { expect, test } from 'vitest'
import { extent } from './extent.ts'
import { EMPTIED, playMany } from './simulator/many.ts'

const schedules = extent({ quick: 5, usual: 150, full: 1_500 })

test(`${schedules} schedules in which the index is emptied and sends another host to where an owner lives: nothing confirmed is lost`, async () => {
  const done = await playMany(schedules, EMPTIED)
  console.log(`${schedules} schedules:`, JSON.stringify(done))
  expect(done.ticks).toBeGreaterThan(0)
  expect(done.lost).toBe(0)
}, 3_600_000)
