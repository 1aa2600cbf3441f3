import { expect, test } from 'vitest'
import { extent } from './extent.ts'
import { playMany, SINGLE } from './simulator/many.ts'

const schedules = extent({ quick: 8, usual: 250, full: 3_500 })

/**
 * 1299: a new epoch found an entry in the journal, stored it, and was forgotten before it began; the next one went on from before that entry.
 * 3417: a replica took over without the last entry of a layer that nobody played in; its owner had nothing to append, and did not find out before it was killed.
 */
const FOUND_FAULTS = [1299, 3417]

test(`${schedules} schedules with one fault at a time: nothing confirmed is lost, nothing is twice`, async () => {
  const done = await playMany(schedules, SINGLE, FOUND_FAULTS)
  console.log(`${schedules} schedules:`, JSON.stringify(done))
  expect(done.ticks).toBeGreaterThan(0)
}, 3_600_000)
