import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { GROUPS, Spread } from '../../../zone-server/spread.ts'

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

describe('the spread of a tick', () => {
  it('one group a millisecond from its release on, each once', () => {
    const { clock, log, spread, sent } = spreading()
    spread.release('a', GROUPS, 50)
    expect(log).toEqual(['a 0 at 0'])
    clock.advance(200)
    expect(log).toEqual(groups.map((group) => `a ${group} at ${group}`))
    expect(sent).toEqual(['a'])
  })

  it('a tick released while groups of the last are still due: each group gets both in order, each as long after its release', () => {
    const { clock, log, spread, sent } = spreading()
    spread.release('a', GROUPS, 50)
    clock.advance(30)
    spread.release('b', GROUPS, 50)
    clock.advance(200)
    const of = (tick: string): string[] => log.filter((line) => line.startsWith(tick))
    expect(of('a')).toEqual(groups.map((group) => `a ${group} at ${group}`))
    expect(of('b')).toEqual(groups.map((group) => `b ${group} at ${30 + Math.max(1, group)}`))
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
    clock.advance(2)
    expect(log.filter((line) => line.startsWith('b'))).toEqual(['b 0 at 1', 'b 1 at 1'])
    expect(sent).toEqual(['b', 'c'])
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
