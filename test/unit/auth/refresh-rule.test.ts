import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { REFRESH_GRACE } from '../../../core/timing.ts'
import { beside, renew } from '../../../services/auth/refresh-rule.ts'

const live = { tokenHash: 'b', retired: { hashes: ['a'], at: 1_000, key: 'k' } }
const ofPage = { ...live, retired: { ...live.retired, fromPage: true } }
const at = 1_000 + REFRESH_GRACE

describe('which refresh token is good', () => {
  test.each<[string, { hash: string; key?: string; fromPage: boolean }, number, boolean]>([
    ['the newest', { hash: 'b', fromPage: false }, at, true],
    ['one used before, without a key', { hash: 'a', fromPage: false }, 1_000, false],
    ['one used before, with the key of that request', { hash: 'a', key: 'k', fromPage: false }, at * 100, true],
    ['one used before, with another key', { hash: 'a', key: 'x', fromPage: false }, 1_000, false],
    ['one that never was', { hash: 'x', key: 'k', fromPage: true }, 1_000, false],
  ])('%s', (_, renewal, now, good) => {
    for (const before of [live, ofPage]) expect(renew(before, renewal, 'c', now) !== undefined).toBe(good)
  })

  test.each<[string, boolean, number, boolean]>([
    ['from a page, by a page within the grace', true, at - 1, true],
    ['from a page, by a page after it', true, at, false],
    ['from a page, by no page', false, at - 1, false],
  ])('one used before %s', (_, fromPage, now, good) => {
    expect(renew(ofPage, { hash: 'a', fromPage }, 'c', now) !== undefined).toBe(good)
    // What a game used has no grace, whoever comes with it.
    expect(renew(live, { hash: 'a', fromPage }, 'c', now)).toBeUndefined()
  })

  test('what a page used is known to be of one, and of a game is not', () => {
    expect(renew({ tokenHash: 'a' }, { hash: 'a', fromPage: true }, 'b', 1)?.retired).toEqual({ hashes: ['a'], at: 1, fromPage: true })
    expect(renew(ofPage, { hash: 'b', fromPage: false }, 'c', 1)?.retired).toEqual({ hashes: ['b'], at: 1 })
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

  test('there is no end of asking again: of what is answered the last four are good, and one before them is a thief’s', () => {
    let state: Parameters<typeof beside>[0] = live
    for (let k = 0; k < 10; k++) {
      const again = renew(state, { hash: 'a', key: 'k', fromPage: false }, `c${k}`, at)
      if (again === undefined) throw new Error(`${k} was refused`)
      state = again
    }
    expect(state).toEqual({ tokenHash: 'c9', siblings: ['c6', 'c7', 'c8'], retired: live.retired })
    expect(renew(state, { hash: 'c6', fromPage: false }, 'd', at)?.tokenHash).toBe('d')
    expect(renew(state, { hash: 'c5', fromPage: false }, 'd', at)).toBeUndefined()
    expect(beside({ tokenHash: 'a', siblings: ['x', 'y', 'z'] }, 'b')).toEqual({ tokenHash: 'b', siblings: ['y', 'z', 'a'] })
  })
})
