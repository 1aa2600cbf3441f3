import { describe, expect, it } from 'vitest'
import type { CharacterRecord, LivingCharacter } from '../../../core/chains.ts'
import { ManualClock } from '../../../core/clock.ts'
import type { LayerId } from '../../../core/ids.ts'
import { type AdmissionRequest, decideAdmission } from '../../../zone-server/admission.ts'
import { MAX_CATCH_UP, Ticker, ticksDue } from '../../../zone-server/ticker.ts'
import { newcomer } from './simulation-kit.ts'

describe('admission', () => {
  const here: LayerId = 'game/meadow/0'
  const request = (residentVersion?: number): AdmissionRequest => ({
    layer: here,
    epoch: 7,
    account: 'mine',
    character: 'ada',
    now: 1,
    residentVersion: () => residentVersion,
  })
  const record = (kind: LivingCharacter['kind'], change: Partial<LivingCharacter> = {}): LivingCharacter => ({
    kind,
    account: 'mine',
    name: 'Ada',
    createdAt: 1,
    state: newcomer,
    ...change,
  })
  const decide = (found: CharacterRecord | undefined, residentVersion?: number) => {
    const entry = found === undefined ? undefined : { n: 6, nonce: 'x', kind: found.kind, data: {} }
    return decideAdmission(request(residentVersion), entry, found)
  }

  it('released: is held', () => expect(decide(record('released'))).toMatchObject({ do: 'hold', n: 7 }))
  it('held here and here', () => expect(decide(record('held', { layer: here }), 6)).toEqual({ do: 'resident' }))
  it('held here, but not here', () =>
    expect(decide(record('held', { layer: here }))).toMatchObject({ do: 'arrive', arrival: { version: 6 } }))
  it('held here in another version', () =>
    expect(decide(record('held', { layer: here }), 4)).toMatchObject({ do: 'arrive', arrival: { version: 6 } }))

  const refusals: readonly (readonly [string, CharacterRecord | undefined, string])[] = [
    ['no chain', undefined, 'CharacterUnknown'],
    ['deleted', { kind: 'deleted' }, 'CharacterUnknown'],
    ['to be deleted', record('deleting', { dueAt: 5 }), 'CharacterDeleting'],
    ['being made', record('making', { dueAt: 5 }), 'Busy'],
    ['being renamed', record('renaming', { wanted: 'Bea', dueAt: 5 }), 'Busy'],
    ['another account’s, to be deleted', record('deleting', { account: 'other' }), 'CharacterNotYours'],
    ['another account’s', record('released', { account: 'other' }), 'CharacterNotYours'],
    [
      'another account’s, elsewhere: nothing is said of where',
      record('held', { account: 'other', layer: 'game/forest/0' }),
      'CharacterNotYours',
    ],
    ['elsewhere', record('held', { layer: 'game/forest/0' }), 'CharacterElsewhere'],
    ['in another layer of the zone', record('held', { layer: 'game/meadow/1' }), 'CharacterElsewhere'],
  ]
  for (const [name, found, code] of refusals) it(name, () => expect(() => decide(found)).toThrow(expect.objectContaining({ code })))
})

describe('ticks', () => {
  const table: readonly (readonly [string, number, { run: number; next: number }])[] = [
    ['not due', 990, { run: 0, next: 1_000 }],
    ['just due', 1_000, { run: 1, next: 1_050 }],
    ['late: the beat is kept', 1_049, { run: 1, next: 1_050 }],
    ['two late', 1_060, { run: 2, next: 1_100 }],
    ['at the bound', 1_000 + 50 * (MAX_CATCH_UP - 1), { run: MAX_CATCH_UP, next: 1_000 + 50 * MAX_CATCH_UP }],
    ['far behind: caught up in part, a new beat', 60_000, { run: MAX_CATCH_UP, next: 60_050 }],
    ['the clock was set back: a new beat', 500, { run: 0, next: 550 }],
  ]
  for (const [name, now, expected] of table) it(name, () => expect(ticksDue(now, 1_000, 50)).toEqual(expected))
})

describe('a ticker that is hurried', () => {
  it('ticks at once and goes on a period later', () => {
    const clock = new ManualClock(0)
    const at: number[] = []
    const ticker = new Ticker(clock, 10, () => at.push(clock.now()))
    clock.advance(130)
    ticker.hurry()
    ticker.hurry()
    clock.advance(170)
    ticker.stop()
    ticker.hurry()
    clock.advance(1_000)
    expect(at).toEqual([100, 130, 230])
  })
})
