import { describe, expect, it } from 'vitest'
import { describeEntity, narrator } from '../../../client/command/narrate.ts'
import { type ViewedEntity, ZoneView } from '../../../client/view.ts'

const entity = (kind: string, name: string): ViewedEntity => ({ id: 7, kind, name, x: 1_500, y: -2_000, heading: 0 })

describe('what is in view', () => {
  it.each([
    ['avatar', 'Ada', 'Ada is at (1.5, -2.0)'],
    ['item', 'lantern', 'a lantern [7] lies at (1.5, -2.0)'],
    ['item', 'apple', 'an apple [7] lies at (1.5, -2.0)'],
    ['prop', 'well', 'a well [7] stands at (1.5, -2.0)'],
    ['creature', 'hen', 'a hen [7] is at (1.5, -2.0)'],
    ['', 'mist', 'a mist [7] is at (1.5, -2.0)'],
  ])('%s %s: %s', (kind, name, line) => {
    expect(describeEntity(entity(kind, name))).toBe(line)
  })

  it('is told as it comes and goes', () => {
    const lines: string[] = []
    const told = narrator(
      (line) => lines.push(line),
      () => new ZoneView(),
    )
    const seen = [entity('creature', 'hen'), entity('avatar', 'Ada')]
    told.appeared?.(seen)
    told.vanished?.(seen)
    expect(lines).toEqual(['a hen [7] is at (1.5, -2.0)', 'Ada is at (1.5, -2.0)', 'the hen [7] is gone', 'Ada is gone'])
  })
})
