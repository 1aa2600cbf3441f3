import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { departure, GROUPS, Spread } from '../../../zone-server/spread.ts'

function spreading(): { clock: ManualClock; log: string[]; spread: Spread<string>; sent: string[] } {
  const clock = new ManualClock(0)
  const log: string[] = []
  const sent: string[] = []
  const spread = new Spread<string>(
    clock,
    (tick, group) => log.push(`${tick} ${group} at ${clock.now()}`),
    (tick) => sent.push(tick),
  )
  return { clock, log, spread, sent }
}

const groups = Array.from({ length: GROUPS }, (_, group) => group)
/** Between two groups of a tick at 20 Hz, ms. */
const EVERY = 50 / GROUPS

describe('the departure of a tick', () => {
  const PERIOD = 50

  it('is its release when that is late, or when there is no beat to keep', () => {
    expect(departure(1_060, 1_000, PERIOD)).toBe(1_060)
    expect(departure(1_000, Number.NEGATIVE_INFINITY, PERIOD)).toBe(1_000)
    expect(departure(1_000, 90_000, PERIOD)).toBe(1_000)
  })

  it('waits for the beat when the release is early, but not for long', () => {
    expect(departure(1_040, 1_000, PERIOD)).toBe(1_049)
    expect(departure(1_001, 1_000, PERIOD)).toBe(1_021)
  })

  it('is evener than the releases, never early, and in time again when they are', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 19 }), { minLength: 1, maxLength: 200 }), (lateness) => {
        let before = Number.NEGATIVE_INFINITY
        let last = 0
        for (const [i, late] of [...lateness, ...Array.from({ length: 20 }, () => 0)].entries()) {
          const now = i * PERIOD + late
          const at = departure(now, before, PERIOD)
          expect(at).toBeGreaterThanOrEqual(now)
          if (i > 0) {
            expect(at - before).toBeGreaterThanOrEqual(PERIOD - 1)
            expect(at - before).toBeLessThanOrEqual(Math.max(PERIOD, now - last + 1))
          }
          before = at
          last = now
        }
        expect(before).toBe((lateness.length + 19) * PERIOD)
      }),
    )
  })
})

describe('the spread of a tick', () => {
  it('group after group from its release on, each once', () => {
    const { clock, log, spread, sent } = spreading()
    spread.release('a', GROUPS, 50)
    expect(log).toEqual(['a 0 at 0'])
    clock.advance(200)
    expect(log).toEqual(groups.map((group) => `a ${group} at ${group * EVERY}`))
    expect(sent).toEqual(['a'])
  })

  it('a tick released while groups of the last are still due: each group gets both in order, the second as soon after the first as it may', () => {
    const { clock, log, spread, sent } = spreading()
    spread.release('a', GROUPS, 50)
    clock.advance(30)
    spread.release('b', GROUPS, 50)
    clock.advance(200)
    const of = (tick: string): string[] => log.filter((line) => line.startsWith(tick))
    expect(of('a')).toEqual(groups.map((group) => `a ${group} at ${group * EVERY}`))
    expect(of('b')).toEqual(groups.map((group) => `b ${group} at ${50 + group * EVERY}`))
    expect(sent).toEqual(['a', 'b'])
  })

  it('several released together: to each group in order', () => {
    const { clock, log, spread } = spreading()
    for (const tick of ['a', 'b', 'c']) spread.release(tick, GROUPS, 50)
    clock.advance(100)
    for (const group of groups) {
      const got = log.filter((line) => line.split(' ')[1] === String(group)).map((line) => line[0])
      expect(got).toEqual(['a', 'b', 'c'])
    }
  })

  it('a tick for few groups is over with the last of them, and holds no other up', () => {
    const { clock, log, spread, sent } = spreading()
    spread.release('a', GROUPS, 50)
    spread.release('b', 2, 50)
    spread.release('c', 0, 50)
    clock.advance(24)
    expect(log.filter((line) => line.startsWith('b'))).toEqual(['b 0 at 20', 'b 1 at 22'])
    expect(sent).toEqual(['c', 'b'])
  })

  it('a short tick is spread over itself', () => {
    const { clock, log, spread } = spreading()
    spread.release('a', GROUPS, 10)
    clock.advance(10)
    expect(log).toHaveLength(GROUPS)
  })

  it('goes on when the clock is set back', () => {
    let now = 1_000
    const calls: (() => void)[] = []
    const after = (_ms: number, call: () => void): (() => void) => {
      calls.push(call)
      return () => undefined
    }
    const timers = { now: () => now, random: () => 0.5, after }
    const log: number[] = []
    const spread = new Spread<string>(
      timers,
      (_tick, group) => log.push(group),
      () => undefined,
    )
    spread.release('a', GROUPS, 50)
    for (now = -5_000; calls.length > 0; now++) calls.shift()?.()
    expect(log).toEqual(groups)
    expect(now).toBeLessThan(-5_000 + 2 * GROUPS)
  })

  it('knows what is due to a group, and sends at once without a clock', () => {
    const { spread } = spreading()
    spread.release('a', GROUPS, 50)
    spread.release('b', GROUPS, 50)
    expect([[...spread.dueFor(0)], [...spread.dueFor(7)]]).toEqual([['b'], ['a', 'b']])
    const log: string[] = []
    new Spread<string>(
      undefined,
      (tick, group) => log.push(`${tick} ${group}`),
      () => undefined,
    ).release('a', GROUPS, 50)
    expect(log).toHaveLength(GROUPS)
  })
})
