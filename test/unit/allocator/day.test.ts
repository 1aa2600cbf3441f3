import { describe, expect, it } from 'vitest'
import { POD_START } from '../../bench/day/servers.ts'
import { type Day, simulateDay } from '../../bench/day/simulation.ts'

/** One hour as a small day, in made-up time: the same seed gives the same day on every machine. */
const ZONES = 500
const HOUR_S = 3_600
const day: Day = {
  ...{ seed: 2, zones: ZONES, seconds: HOUR_S, capacity: 8, heartbeatMs: 500, awakeMs: 60_000 },
  awakeAt: (second) => ZONES * (0.1 + 0.2 * (1 - Math.cos((2 * Math.PI * second) / HOUR_S))),
  annotations: { 'bailiwick.dev/spare': '1', 'bailiwick.dev/max': '1000' },
}

describe('a fleet through a small day', () => {
  it.each<[string, Partial<Day>]>([
    ['in peace', {}],
    [
      'with a lost node whose servers stay Allocated, all hosts outdated with nobody spare, and a stale index',
      { nodeLostAt: 1_200, phantomS: 300, outdatedAt: 2_000, stale: [2_900, 2_960] },
    ],
  ])(
    '%s: little more than the least possible, and no wish waits longer than a pod start and 2.5 s',
    { timeout: 60_000 },
    async (_name, trouble) => {
      const { over, waits, wakes, marked } = await simulateDay({ ...day, ...trouble })
      expect(wakes).toBeGreaterThan(8_000)
      expect(marked).toBe(0)
      expect(over).toBeLessThanOrEqual(0.15)
      expect(over).toBeGreaterThanOrEqual(0)
      expect(waits.length).toBeGreaterThan(0)
      expect(Math.max(...waits)).toBeLessThanOrEqual(POD_START.max + 2_500)
    },
  )
})
