import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_FLEET_BOUNDS, desiredReplicas, fleetBounds, hostsToKeep, hostsUsed } from '../../../core/capacity.ts'
import { parseDuration } from '../../../core/duration.ts'
import { BailiwickError, catalogue } from '../../../core/errors.ts'
import { boundsInMillimetres, contains, millimetres } from '../../../core/geometry.ts'
import { fleetId, layerId, parseLayerId, parsePair, zoneId } from '../../../core/ids.ts'
import type { FleetCounts } from '../../../core/ports/index-port.ts'
import { inequalities } from '../../../core/timing.ts'

describe('ids', () => {
  it('reads what it writes', () => {
    const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/)
    fc.assert(
      fc.property(label, label, fc.integer({ min: 0, max: 9_999 }), (namespace, name, index) => {
        expect(parseLayerId(layerId(zoneId(namespace, name), index))).toEqual({ zone: `${namespace}/${name}`, namespace, name, index })
      }),
    )
  })

  it.each([
    '',
    'a',
    'a/b',
    'a/b/',
    'a/b/-1',
    'a/b/01',
    'a/b/10000',
    'A/b/0',
    'a/b.c/0',
    'a//0',
    'a/b/0/1',
    `${'x'.repeat(64)}/b/0`,
    '-a/b/0',
  ])('refuses the layer id %j', (id) => {
    expect(() => parseLayerId(id)).toThrow(BailiwickError)
  })

  it('refuses what is no pair, and never repeats more than 80 characters of it', () => {
    for (const id of ['', '/', 'a', 'a/b/c', 'a/B', '../etc']) expect(() => parsePair(id)).toThrow(BailiwickError)
    expect(() => fleetId('a', 'x'.repeat(10_000))).toThrow(/^.{1,300}$/)
    expect(() => layerId('a/b', 1.5)).toThrow(/whole number/)
  })
})

describe('durations', () => {
  it.each([
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['90s', 90_000],
    ['500ms', 500],
    ['0s', 0],
    ['1h1m1s1ms', 3_661_001],
  ])('%s is %i ms', (text, ms) => expect(parseDuration(text)).toBe(ms))

  it.each(['', '5', 'm', '5 m', '-5m', '5m1h', '1.5h', '5M'])('refuses %j', (text) => expect(() => parseDuration(text)).toThrow(/30s, 5m/))
})

describe('geometry', () => {
  it('rounds half away from zero, the same on both sides of the origin', () => {
    expect([millimetres(0.0005), millimetres(-0.0005), millimetres(1.2344), millimetres(-2)]).toEqual([1, -1, 1234, -2000])
  })

  it('bounds hold their edges', () => {
    const bounds = boundsInMillimetres({ min: { x: -1, y: 0 }, max: { x: 1, y: 2 } })
    expect([
      contains(bounds, { x: -1000, y: 0 }),
      contains(bounds, { x: 1000, y: 2000 }),
      contains(bounds, { x: 1001, y: 0 }),
      contains(bounds, { x: 0, y: -1 }),
    ]).toEqual([true, true, false, false])
  })
})

describe('timing', () => {
  it.each(inequalities.map(([holds, reason]) => [reason, holds] as const))('%s', (_reason, holds) => expect(holds).toBe(true))
})

describe('errors', () => {
  it('carry what was asked, found and to do in one line', () => {
    const error = new BailiwickError('ZoneUnknown', { asked: 'game/meadow', found: 'no such zone', todo: 'apply it first' })
    expect(error.message).toBe('There is no such zone; asked: game/meadow; found: no such zone; apply it first')
    expect(error.status).toBe(404)
    expect(Object.values(catalogue).every((entry) => entry.status >= 400 && entry.status < 600)).toBe(true)
  })
})

describe('capacity', () => {
  const calm = { staying: 0, evacuees: 0, wishes: 0, capacity: 4, free: 0, coming: 0 }
  it.each<[string, Partial<typeof calm>, number]>([
    ['nothing', {}, 0],
    ['occupied hosts', { staying: 3 }, 3],
    ['wishes share hosts by capacity', { wishes: 5 }, 2],
    ['what is coming is given hosts before it is here', { staying: 2, coming: 9 }, 5],
    ['what is coming takes the free slots of occupied hosts first', { staying: 2, coming: 9, free: 6 }, 3],
    ['what leaves its host is given hosts at once', { evacuees: 12 }, 3],
    ['… and while it moves, as many', { staying: 1, evacuees: 7, free: 2 }, 3],
    ['what leaves its host takes the free slots of others first', { staying: 2, evacuees: 4, free: 4 }, 2],
    ['what is coming and what leaves its host share free slots', { staying: 2, coming: 3, evacuees: 3, free: 4 }, 3],
    ['a capacity that is not known is one', { wishes: 2, capacity: 0 }, 2],
  ])('use: %s', (_name, counts, expected) => {
    expect(hostsUsed({ ...calm, ...counts })).toBe(expected)
  })

  const none: FleetCounts = {
    ...calm,
    occupied: 0,
    draining: 0,
    standing: 0,
    leaving: 0,
    idle: 0,
    retiring: 0,
    outdated: 0,
    live: 0,
    strays: 0,
    peak: 0,
  }
  const bounds = { spare: 1, min: 0, max: 10 }
  it.each<[string, Partial<FleetCounts>, Partial<typeof bounds>, number]>([
    ['an empty fleet keeps its spare', {}, {}, 1],
    ['without a spare it is empty', {}, { spare: 0 }, 0],
    ['the spare is beside what is occupied and waited for', { staying: 3, wishes: 5 }, {}, 6],
    ['the spare is not beside what was used lately', { staying: 3, peak: 6 }, { spare: 2 }, 6],
    ['what leaves its host asks for hosts beside those that it leaves', { draining: 3, evacuees: 12 }, {}, 7],
    ['… and takes those that have room', { staying: 2, draining: 1, evacuees: 4, free: 5 }, { spare: 0 }, 3],
    ['Allocated servers that are no hosts do not take the place of hosts', { staying: 1, strays: 2 }, { spare: 0 }, 3],
    ['never above the maximum', { peak: 100 }, {}, 10],
    ['one goes beyond it, or a full fleet would never be emptied', { peak: 10, staying: 8, draining: 2, evacuees: 8, outdated: 2 }, {}, 11],
    ['never below the minimum', {}, { min: 2 }, 2],
    ['never below what is occupied, whatever the maximum', { peak: 13, staying: 12 }, {}, 12],
  ])('replicas: %s', (_name, counts, changed, expected) => {
    expect(desiredReplicas({ ...none, ...counts }, { ...bounds, ...changed }, 0, 0)).toBe(expected)
  })

  it.each([
    [{ peak: 3, staying: 3, min: 0, max: 10, outdated: 2, evacuees: 3 }, 2],
    [{ peak: 3, staying: 0, draining: 3, min: 0, max: 10, outdated: 3, evacuees: 9 }, 4],
    [{ peak: 9, staying: 3, draining: 1, min: 0, max: 4, outdated: 1, evacuees: 4 }, 1],
    [{ peak: 5, staying: 3, min: 0, max: 10 }, 2],
    [{ peak: 3, staying: 3, min: 0, max: 10 }, 1],
    [{ peak: 1, staying: 0, min: 4, max: 10 }, 4],
    [{ peak: 9, staying: 3, min: 0, max: 4 }, 1],
    [{ peak: 9, staying: 6, min: 0, max: 4 }, 0],
  ])('keeps empty hosts: %j', ({ min, max, ...counts }, expected) => {
    expect(hostsToKeep({ spare: 1, min, max }, { ...none, ...counts })).toBe(expected)
  })

  it('keeps as many hosts as it asks for, or one that is kept would be replaced, or one that is asked for retired', () => {
    const some = fc.nat({ max: 9 })
    fc.assert(
      fc.property(
        some,
        some,
        some,
        fc.record({ staying: some, draining: some, peak: some, outdated: some, evacuees: some, free: some }),
        (spare, min, max, some) => {
          const counts = { ...none, ...some }
          const kept = hostsToKeep({ spare, min, max }, counts) + counts.staying + counts.draining
          expect(kept).toBe(desiredReplicas(counts, { spare, min, max }, 0, 0))
        },
      ),
    )
  })

  it.each([
    ['keep the number from falling below what is there', 4, 4],
    ['… by no more than there are of them', 9, 5],
    ['do not raise it', 3, 3],
    ['do not matter when more is wanted', 1, 3],
  ])('those that leave %s', (_, replicas, expected) => {
    expect(desiredReplicas({ ...none, staying: 2, leaving: 2 }, bounds, replicas, 0)).toBe(expected)
  })

  it.each([
    ['keep the number from falling', 4, 4, 4],
    ['… until one of them has given itself back', 4, 3, 3],
    ['do not raise it', 3, 9, 3],
    ['do not matter when more is wanted', 1, 2, 3],
  ])('those that Agones counts as Allocated %s', (_, replicas, allocated, expected) => {
    expect(desiredReplicas({ ...none, staying: 2 }, bounds, replicas, allocated)).toBe(expected)
  })

  it.each([
    ['keep the number from falling, counted by Agones or not', { standing: 5 }, 6, 3, 5],
    ['… and are not counted twice', { standing: 5, leaving: 1 }, 6, 5, 5],
    ['do not raise it', { standing: 9 }, 4, 3, 4],
    ['are not known to an index of an earlier release', { standing: undefined }, 4, 2, 3],
  ])('hosts that are there, and those about to be, %s', (_, counts, replicas, allocated, expected) => {
    const { standing: _none, ...others } = none
    const all = counts.standing === undefined ? others : { ...none, ...counts }
    expect(desiredReplicas({ ...all, staying: 2 }, bounds, replicas, allocated)).toBe(expected)
  })

  it('reads bounds from annotations and takes defaults for what can not be read', () => {
    expect(fleetBounds({ 'bailiwick.dev/spare': '0', 'bailiwick.dev/min': '2', 'bailiwick.dev/max': '7' })).toEqual({
      spare: 0,
      min: 2,
      max: 7,
    })
    expect(fleetBounds({ 'bailiwick.dev/spare': '-1', 'bailiwick.dev/max': 'many' })).toEqual(DEFAULT_FLEET_BOUNDS)
  })
})
