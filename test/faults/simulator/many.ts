import { expect } from 'vitest'
import { givenSeed } from '../extent.ts'
import { runSchedule, type ScheduleOptions, type ScheduleResult } from './schedule.ts'

/** Lines of a failed schedule that are shown. */
const SHOWN = Number(process.env['BAILIWICK_LINES'] ?? 60)

/**
 * Plays the schedules of the seeds 1 to `count`, or the one of BAILIWICK_SEED; and those that once found a fault, in which nobody reads ahead: with it they are others. Shows the first that fails, and how to see it again. Answers what was done in all.
 */
export async function playMany(
  count: number,
  options: ScheduleOptions,
  foundFaults: readonly number[] = [],
): Promise<Omit<ScheduleResult, 'seed' | 'failure' | 'fingerprint' | 'lines'>> {
  const total = { ticks: 0, joins: 0, inputs: 0, kills: 0, claims: 0, lost: 0 }
  const usual = givenSeed === undefined ? Array.from({ length: count }, (_, i) => i + 1) : [givenSeed]
  const found = foundFaults.filter((seed) => givenSeed === undefined || seed === givenSeed)
  const plays = [...found.map((seed) => ({ seed, readsAhead: false })), ...usual.map((seed) => ({ seed, readsAhead: true }))]
  for (const { seed, readsAhead } of plays) {
    const result = await runSchedule(seed, { ...options, readsAhead })
    if (result.failure !== undefined) console.error(result.lines.slice(-SHOWN).join('\n'))
    expect(result.failure, `profile ${options.profile}: BAILIWICK_SEED=${seed} npm run test:faults`).toBeUndefined()
    for (const key of ['ticks', 'joins', 'inputs', 'kills', 'claims', 'lost'] as const) total[key] += result[key]
  }
  return total
}

export const SINGLE: ScheduleOptions = { profile: 'single', layers: 2, hosts: 3, characters: 4, pace: 300, lasts: 8_000 }
export const STORM: ScheduleOptions = { ...SINGLE, profile: 'storm' }
export const TAKEOVERS: ScheduleOptions = { ...SINGLE, profile: 'takeovers', lasts: 12_000 }
export const EMPTIED: ScheduleOptions = { ...SINGLE, profile: 'emptied', lasts: 15_000 }
export const KILLS: ScheduleOptions = { profile: 'kills', layers: 3, hosts: 4, characters: 24, pace: 150, lasts: 36_000_000 }
