import { describe, expect, it } from 'vitest'
import { AUTOSCALE_EVERY } from '../../../core/timing.ts'
import { type QueueFacts, wishQueue } from '../../../core/wish-queue.ts'

const facts: QueueFacts = { place: 1, length: 9, capacity: 4, podStartMs: 5_000, births: [], now: 100_000 }
const first = AUTOSCALE_EVERY + 5_000

describe('the expected wait of a wish', () => {
  it.each<[string, Partial<QueueFacts>, number]>([
    ['one poll and one pod start for the first', {}, first],
    ['the same for all on the first host', { place: 4 }, first],
    ['the same for those on later hosts, while none was born: they are started at once', { place: 9 }, first],
    ['later hosts come at the rate of the last births', { place: 9, births: [90_000, 93_000, 96_000] }, first + 2 * 3_000],
    ['one birth is no rate', { place: 9, births: [96_000] }, first],
    ['births of long ago are no rate', { place: 9, births: [1_000, 2_000] }, first],
    ['a capacity that is not known is one', { place: 3, capacity: 0, births: [90_000, 92_000] }, first + 2 * 2_000],
  ])('%s', (_name, changed, expected) => {
    expect(wishQueue({ ...facts, ...changed }).expectedMs).toBe(expected)
  })

  it('one that was not let in stands behind the last', () => {
    const { place: _, ...refused } = facts
    expect(wishQueue({ ...refused, length: 8, births: [90_000, 93_000, 96_000] })).toEqual({
      place: undefined,
      length: 8,
      expectedMs: first + 2 * 3_000,
    })
  })
})
