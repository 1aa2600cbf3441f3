import { describe, expect, it } from 'vitest'
import { STEP_LIMIT } from '../../../core/timing.ts'
import { firstLook, isStuck, type StepLook } from '../../../zone-server/watchdog/decide-stuck.ts'
import { StepMark } from '../../../zone-server/watchdog/step-mark.ts'

const HEAP = 1_000
const look = (sequence: number, usedMs: number, memory = 0): StepLook => ({ sequence, usedMs, memory })

const table: readonly (readonly [string, StepLook | undefined, StepLook | undefined, boolean])[] = [
  ['no step', undefined, undefined, false],
  ['a step that was just seen', undefined, look(1, 5_000, 900), false],
  ['a step that has ended', look(1, 0), undefined, false],
  ['another one since', look(1, 0), look(3, 5_000, 900), false],
  ['the same, which used little', look(1, 10), look(1, 10 + STEP_LIMIT - 1), false],
  ['the same, which used too much', look(1, 10), look(1, 10 + STEP_LIMIT), true],
  ['the same in a process that stood still', look(1, 10), look(1, 10), false],
  ['the same, which fills the memory', look(1, 10, 100), look(1, 110, 350), true],
  ['the same, which took some', look(1, 10, 100), look(1, 110, 349), false],
  ['the same, beside which something else filled the memory', look(1, 10, 100), look(1, 12, 900), false],
]

describe('a step that does not end', () => {
  it.each(table)('%s', (_name, since, now, stuck) => expect(isStuck(since, now, HEAP)).toBe(stuck))

  it('is compared with the look that saw it first', () => {
    expect(firstLook(undefined, look(1, 5))).toEqual(look(1, 5))
    expect(firstLook(look(1, 5), look(1, 50))).toEqual(look(1, 5))
    expect(firstLook(look(1, 5), look(3, 50))).toEqual(look(3, 50))
    expect(firstLook(look(1, 5), undefined)).toBeUndefined()
  })

  it('is read by another thread while it lasts, by the name of its layer', () => {
    const mark = new StepMark()
    const other = new StepMark(mark.memory)
    mark.belongsTo('game/zone-servers', 'host-1')
    expect(other.read()).toBeUndefined()
    const seen = mark.during('game/meadow/0', 7, false, () => other.read())
    expect(seen).toMatchObject({ fleet: 'game/zone-servers', host: 'host-1', layer: 'game/meadow/0', tick: 7, replayed: false })
    const next = mark.during('game/a-much-longer-name/12', 2 ** 40, true, () => other.read())
    expect(next).toMatchObject({ layer: 'game/a-much-longer-name/12', tick: 2 ** 40, replayed: true })
    expect(next?.sequence).not.toBe(seen?.sequence)
    expect(() =>
      mark.during('game/meadow/0', 8, false, () => {
        throw new Error('a rule fails')
      }),
    ).toThrow('a rule fails')
    expect(other.read()).toBeUndefined()
  })
})
