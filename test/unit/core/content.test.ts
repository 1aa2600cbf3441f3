import { describe, expect, it } from 'vitest'
import { canonicalContent, MAX_CREATURES, MAX_MAP_CELLS, parseContent } from '../../../core/content.ts'

const population = { kind: 'wolf', home: { x: 0, y: 0 }, count: 200, wander: 1, speed: 1 }

describe('the content of a zone', () => {
  it('may be empty, and may hold everything', () => {
    expect(parseContent({})).toEqual({})
    const whole = {
      map: { cell: 0.5, origin: { x: -1, y: 2 }, rows: ['.#', '#.'] },
      spawns: [{ x: 1, y: 1 }],
      respawns: [],
      props: [{ kind: 'well', at: { x: 0, y: 0 }, heading: 255 }],
      creatures: [{ ...population, bite: 5 }],
    }
    expect(parseContent(whole)).toEqual(whole)
  })

  const wrong: readonly (readonly [string, unknown, string])[] = [
    ['no object', 7, 'the whole'],
    ['a field that is none', { creature: [] }, 'creature'],
    ['rows of different lengths', { map: { cell: 1, origin: { x: 0, y: 0 }, rows: ['..', '.'] } }, 'map.rows.1'],
    ['another character in a map', { map: { cell: 1, origin: { x: 0, y: 0 }, rows: ['.x'] } }, 'map.rows.0'],
    ['cells too small', { map: { cell: 0.1, origin: { x: 0, y: 0 }, rows: ['.'] } }, 'map.cell'],
    ['too many cells', { map: { cell: 1, origin: { x: 0, y: 0 }, rows: Array(1_001).fill('.'.repeat(1_000)) } }, `${MAX_MAP_CELLS}`],
    ['a place outside of the plane', { spawns: [{ x: 3e6, y: 0 }] }, 'spawns.0.x'],
    ['a kind that is no name', { props: [{ kind: 'A well', at: { x: 0, y: 0 } }] }, 'props.0.kind'],
    ['too many creatures in all', { creatures: [population, population] }, `${MAX_CREATURES}`],
    ['a creature faster than anybody', { creatures: [{ ...population, speed: 7 }] }, 'creatures.0.speed'],
  ]
  for (const [name, value, says] of wrong) {
    it(`is refused with ${name}`, () => {
      expect(() => parseContent(value)).toThrow(says)
      expect(() => parseContent(value)).toThrow(expect.objectContaining({ code: 'InvalidInput' }))
    })
  }

  it('has one canonical text, however its fields are ordered', () => {
    expect(canonicalContent({ spawns: [{ x: 1, y: 2 }], respawns: [] })).toBe(canonicalContent({ respawns: [], spawns: [{ y: 2, x: 1 }] }))
    expect(canonicalContent({ spawns: [{ x: 1, y: 2 }] })).not.toBe(canonicalContent({ spawns: [{ x: 2, y: 1 }] }))
  })
})
