import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { REFRESH_GRACE } from '../../../core/timing.ts'
import { beside, renew } from '../../../services/auth/refresh-rule.ts'

const live = { tokenHash: 'b', retired: { hashes: ['a'], at: 1_000, key: 'k' } }
const at = 1_000 + REFRESH_GRACE

describe('which refresh token is good', () => {
  test.each<[string, { hash: string; key?: string; fromPage: boolean }, number, boolean]>([
    ['the newest', { hash: 'b', fromPage: false }, at, true],
    ['one used before, without a key', { hash: 'a', fromPage: false }, 1_000, false],
    ['one used before, with the key of that request', { hash: 'a', key: 'k', fromPage: false }, at * 100, true],
    ['one used before, with another key', { hash: 'a', key: 'x', fromPage: false }, 1_000, false],
    ['one used before, from the page, within the grace', { hash: 'a', fromPage: true }, at - 1, true],
    ['one used before, from the page, after it', { hash: 'a', fromPage: true }, at, false],
    ['one that never was', { hash: 'x', key: 'k', fromPage: true }, 1_000, false],
  ])('%s', (_, renewal, now, good) => {
    expect(renew(live, renewal, 'c', now) !== undefined).toBe(good)
  })

  test('one beside a lost answer leaves that good, and the first that is used ends the other', () => {
    const both = renew(live, { hash: 'a', key: 'k', fromPage: false }, 'c', at)
    expect(both).toEqual({ tokenHash: 'c', siblings: ['b'], retired: live.retired })
    if (both === undefined) throw new Error('it was refused')
    for (const [first, other] of [
      ['b', 'c'],
      ['c', 'b'],
    ] as const) {
      const next = renew(both, { hash: first, fromPage: false }, 'd', at)
      expect(next).toEqual({ tokenHash: 'd', retired: { hashes: ['c', 'b'], at } })
      expect(next && renew(next, { hash: other, fromPage: false }, 'e', at)).toBeUndefined()
      // The key was of the request before.
      expect(next && renew(next, { hash: other, key: 'k', fromPage: false }, 'e', at)).toBeUndefined()
    }
  })

  test('never more than four are good, and a thief and an owner who both renew are found out', () => {
    const step = fc.record({
      who: fc.constantFrom('owner', 'thief'),
      repeats: fc.boolean(),
      later: fc.integer({ min: 0, max: REFRESH_GRACE * 2 }),
    })
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
        let state: Parameters<typeof renew>[0] = { tokenHash: 'stolen' }
        const has: Record<string, string> = { owner: 'stolen', thief: 'stolen' }
        const before: Record<string, string> = {}
        let now = 0
        let renewals = 0
        const used = new Set<string>()
        for (const { who, repeats, later } of steps) {
          now += later
          // Within the grace both may seem to be one page; each of them renews by what it has.
          const shown = repeats ? (before[who] ?? has[who]) : has[who]
          const fresh = `token ${++renewals}`
          const next = renew(state, { hash: shown ?? '', fromPage: true }, fresh, now)
          if (next === undefined) return
          state = next
          before[who] = shown ?? ''
          has[who] = fresh
          used.add(shown ?? '')
          expect(1 + (next.siblings?.length ?? 0)).toBeLessThanOrEqual(4)
          // What nobody showed within the grace is good no more once another was used.
          const good = [next.tokenHash, ...(next.siblings ?? [])]
          expect(good.filter((hash) => used.has(hash))).toEqual([])
        }
      }),
    )
    // The thief renews, and the owner after it.
    const stolen = renew({ tokenHash: 'a' }, { hash: 'a', fromPage: true }, 'thief', 0)
    const owner = stolen && renew(stolen, { hash: 'a', fromPage: true }, 'owner', 1)
    const next = owner && renew(owner, { hash: 'owner', fromPage: true }, 'owner 2', REFRESH_GRACE)
    expect(next && renew(next, { hash: 'thief', fromPage: true }, 'x', REFRESH_GRACE * 2)).toBeUndefined()
  })

  test('there is no end of asking again, but an end of what is answered', () => {
    let state: Parameters<typeof beside>[0] | undefined = { tokenHash: 'a' }
    let given = 0
    while (state !== undefined) state = beside(state, `b${given++}`)
    expect(given).toBe(4)
  })
})
