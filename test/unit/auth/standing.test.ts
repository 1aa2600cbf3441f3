import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Member, Power } from '../../../services/auth/standing.ts'
import { DAY, mayAct, rolesOf, standIn } from '../../../services/auth/standing.ts'

const NOW = 1_800_000_000_000
const rule = { ownerAbsent: 30, seenWithin: 7 }
const daysAgo = (days: number): number => NOW - days * DAY
const member = (account: string, role: Member['role'], forDays: number): Member => ({ account, role, since: daysAgo(forDays) })
/** The owner, a moderator of 300 days, an admin of 200 and a moderator of 100. */
const staff = [member('owner', 'owner', 400), member('new', 'moderator', 100), member('old', 'moderator', 300), member('mid', 'admin', 200)]

describe('who stands in, by how many days ago each was seen', () => {
  test.each<[string, Record<string, number | undefined>, string | undefined]>([
    ['the owner is here', { owner: 0, old: 0, mid: 0, new: 0 }, undefined],
    ['a millisecond before the owner is absent', { owner: 30 - 1 / DAY, old: 0 }, undefined],
    ['on the day, to the millisecond', { owner: 30, old: 0, mid: 0, new: 0 }, 'old'],
    ['a day later', { owner: 31, old: 1 }, 'old'],
    ['the longest-standing was seen on the last day', { owner: 40, old: 7, mid: 0, new: 0 }, 'old'],
    ['a millisecond after that day', { owner: 40, old: 7 + 1 / DAY, mid: 0, new: 0 }, 'mid'],
    ['only the newest was seen', { owner: 40, old: 8, mid: 30, new: 6 }, 'new'],
    ['nobody was seen', { owner: 40, old: 8, mid: 8, new: 8 }, undefined],
    ['the others never logged in', { owner: 40 }, undefined],
    ['a longer-standing one comes back', { owner: 40, old: 0, mid: 0, new: 0 }, 'old'],
    ['the owner never logged in, and is the owner for long', { new: 0 }, 'new'],
  ])('%s', (_, days, expected) => {
    const seen = new Map(Object.entries(days).flatMap(([account, ago]) => (ago === undefined ? [] : [[account, daysAgo(ago)] as const])))
    expect(standIn(staff, seen, NOW, rule)).toBe(expected)
  })

  test('an owner who was made one lately and has not logged in yet is not absent', () => {
    const fresh = [member('owner', 'owner', 29), member('old', 'moderator', 300)]
    expect(standIn(fresh, new Map([['old', NOW]]), NOW, rule)).toBeUndefined()
    expect(standIn(fresh, new Map([['old', NOW + DAY]]), NOW + DAY, rule)).toBe('old')
  })

  test.each<[string, { ownerFor: number; staffFor: number; seen?: number }, string | undefined]>([
    ['made one today, and not seen for a year', { ownerFor: 0, staffFor: 500, seen: 365 }, undefined],
    ['made one a millisecond less than 30 days ago', { ownerFor: 30 - 1 / DAY, staffFor: 500, seen: 365 }, undefined],
    ['made one 30 days ago', { ownerFor: 30, staffFor: 500, seen: 365 }, 'old'],
    ['made one 30 days ago, seen a millisecond later', { ownerFor: 30, staffFor: 500, seen: 30 - 1 / DAY }, undefined],
    ['made one 30 days ago, seen a millisecond before', { ownerFor: 30, staffFor: 500, seen: 30 + 1 / DAY }, 'old'],
    ['made one lately, a moderator for long, and never seen', { ownerFor: 29, staffFor: 500 }, undefined],
    ['made one long ago, seen today', { ownerFor: 400, staffFor: 500, seen: 0 }, undefined],
  ])('an owner who was %s', (_, { ownerFor, staffFor, seen }, expected) => {
    const members = [{ ...member('owner', 'owner', staffFor), ownerSince: daysAgo(ownerFor) }, member('old', 'moderator', 300)]
    const seenAt = new Map([['old', NOW], ...(seen === undefined ? [] : [['owner', daysAgo(seen)] as const])])
    expect(standIn(members, seenAt, NOW, rule)).toBe(expected)
  })

  test.each<[string, number, number, string | undefined]>([
    ['is not absent before 30 days of that are over', 29, 365, undefined],
    ['is, then', 30, 365, 'old'],
  ])('an owner whom an earlier release made one, which did not say when, %s', (_, staffFor, seen, expected) => {
    const members = [member('owner', 'owner', staffFor), member('old', 'moderator', 300)]
    expect(
      standIn(
        members,
        new Map([
          ['old', NOW],
          ['owner', daysAgo(seen)],
        ]),
        NOW,
        rule,
      ),
    ).toBe(expected)
  })

  test('where it is turned off, or nobody is the owner, nobody does', () => {
    const seen = new Map([['old', NOW]])
    expect(standIn(staff, seen, NOW, { ...rule, ownerAbsent: 0 })).toBeUndefined()
    expect(standIn(staff.slice(1), seen, NOW, rule)).toBeUndefined()
  })

  test('of two who are members for as long it is always the same one', () => {
    const twins = [member('owner', 'owner', 400), member('b', 'moderator', 50), member('a', 'moderator', 50)]
    expect(
      standIn(
        twins,
        new Map([
          ['a', NOW],
          ['b', NOW],
        ]),
        NOW,
        rule,
      ),
    ).toBe('a')
  })
})

test('laws: it is never the owner, always one who was seen lately, and the longest-standing of those; none while the owner was seen', () => {
  const ago = fc.integer({ min: 0, max: 60 * DAY })
  const someone = fc.record({ since: ago, seen: fc.option(ago, { nil: undefined }) })
  fc.assert(
    fc.property(fc.array(someone, { maxLength: 8 }), someone, (others, owner) => {
      const members: Member[] = [
        { account: 'owner', role: 'owner', since: NOW - owner.since },
        ...others.map(({ since }, at): Member => ({ account: `m${at}`, role: at % 2 === 0 ? 'moderator' : 'admin', since: NOW - since })),
      ]
      const seen = new Map<string, number>()
      if (owner.seen !== undefined) seen.set('owner', NOW - owner.seen)
      for (const [at, { seen: days }] of others.entries()) if (days !== undefined) seen.set(`m${at}`, NOW - days)
      const found = standIn(members, seen, NOW, rule)
      const ownerAway = Math.min(owner.seen ?? owner.since, owner.since) >= 30 * DAY
      const present = others.flatMap(({ since, seen: days }) => (days !== undefined && days <= 7 * DAY ? [since] : []))
      expect(found !== undefined).toBe(ownerAway && present.length > 0)
      if (found !== undefined) expect(others[Number(found.slice(1))]?.since).toBe(Math.max(...present))
    }),
  )
})

describe('who may do what to whom', () => {
  const powers: readonly Power[] = ['none', 'moderator', 'admin', 'owner']
  test.each<[Power, 'find' | 'ban', readonly Power[]]>([
    ['none', 'find', []],
    ['none', 'ban', []],
    ['moderator', 'find', powers],
    ['moderator', 'ban', ['none']],
    ['admin', 'find', powers],
    ['admin', 'ban', ['none', 'moderator']],
    ['owner', 'ban', ['none', 'moderator', 'admin']],
  ])('%s: %s', (actor, action, targets) => {
    expect(powers.filter((target) => mayAct(actor, action, target))).toEqual(targets)
  })

  test.each<[Power, readonly string[]]>([
    ['none', []],
    ['moderator', []],
    ['admin', ['none to none', 'none to moderator', 'moderator to none', 'moderator to moderator']],
    [
      'owner',
      [
        ...['none to none', 'none to moderator', 'none to admin', 'moderator to none', 'moderator to moderator', 'moderator to admin'],
        ...['admin to none', 'admin to moderator', 'admin to admin'],
      ],
    ],
  ])('%s: grant', (actor, changes) => {
    const found = powers.flatMap((target) =>
      powers.filter((granted) => mayAct(actor, 'grant', target, granted)).map((granted) => `${target} to ${granted}`),
    )
    expect(found).toEqual(changes)
  })

  test('a token says what was granted', () => {
    expect([undefined, 'moderator', 'admin', 'owner'].map((role) => rolesOf(role as Member['role'] | undefined))).toEqual([
      ['player'],
      ['player', 'moderator'],
      ['player', 'moderator', 'admin'],
      ['player', 'moderator', 'admin'],
    ])
  })
})
