import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Budget } from '../../../operator/budget.ts'

interface Write {
  readonly begun: number
  readonly effect: number
  readonly end: number
}

/** Writes as soon as the budget allows, each under way for as long as the next of `delays` says, and in effect at that share of its way. */
function writeAll(limit: number, delays: readonly { readonly ms: number; readonly share: number }[]): readonly Write[] {
  const budget = new Budget(limit)
  const writes: Write[] = []
  let under: Write[] = []
  for (let now = 0; writes.length < delays.length; now++) {
    for (const { end } of under.filter((write) => write.end <= now)) budget.end(end)
    under = under.filter((write) => write.end > now)
    while (budget.waitAt(now) === 0) {
      const { ms, share } = delays[writes.length] ?? { ms: 0, share: 0 }
      if (writes.length === delays.length) break
      const write = { begun: now, effect: now + ms * share, end: now + ms }
      budget.begin()
      writes.push(write)
      if (ms === 0) budget.end(now)
      else under.push(write)
    }
  }
  return writes
}

describe('a budget', () => {
  test('whatever each write takes and wherever on its way it takes effect: never more than the limit in any second, and it is used', () => {
    const delay = fc.record({ ms: fc.nat({ max: 1_500 }), share: fc.double({ min: 0, max: 1, noNaN: true }) })
    const parameters = { limit: fc.integer({ min: 1, max: 20 }), delays: fc.array(delay, { minLength: 1, maxLength: 100 }) }
    fc.assert(
      fc.property(fc.record(parameters), ({ limit, delays }) => {
        const writes = writeAll(limit, delays)
        const effects = writes.map(({ effect }) => effect).sort((a, b) => a - b)
        for (const [first, at] of effects.entries()) {
          expect(effects.slice(first).filter((effect) => effect < at + 1_000).length).toBeLessThanOrEqual(limit)
        }
        // A slot is free again a second after the end of what it was used for.
        const longest = Math.max(...delays.map(({ ms }) => ms))
        const last = Math.max(...writes.map(({ begun }) => begun))
        expect(last).toBeLessThanOrEqual(Math.ceil(delays.length / limit) * (longest + 1_002))
      }),
      { numRuns: 50 },
    )
  })

  test('says how long to wait: until one is over for a second, or until one of those under way ends', () => {
    const budget = new Budget(2)
    budget.begin()
    budget.begin()
    expect(budget.waitAt(10)).toBe(Number.POSITIVE_INFINITY)
    budget.end(20)
    expect(budget.waitAt(30)).toBe(991)
    expect(budget.waitAt(1_021)).toBe(0)
  })
})
