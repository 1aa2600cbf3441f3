import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseContent } from '../../../core/content.ts'
import { type BlockedMap, hasFreePlace, isBlocked, nearestFree, walk } from '../../../zone-server/simulation/collision.ts'
import { contentSettings } from '../../../zone-server/simulation/content.ts'
import { newState } from '../../../zone-server/simulation/state.ts'
import { LAYER_ID, settings } from './simulation-kit.ts'

const SIDE = 8
const origin = { x: -3, y: 2 }
const maps: fc.Arbitrary<BlockedMap> = fc
  .record({
    cells: fc.array(fc.constantFrom('#', '.', '.'), { minLength: SIDE * SIDE, maxLength: SIDE * SIDE }),
    cell: fc.constantFrom(0.25, 1, 3),
  })
  .map(({ cells, cell }) => {
    const rows = Array.from({ length: SIDE }, (_, i) => cells.slice(i * SIDE, (i + 1) * SIDE).join(''))
    const { map } = contentSettings({ hash: '0', ...parseContent({ map: { cell, origin, rows } }) })
    if (map === undefined) throw new Error('a content without its map')
    return map
  })
/** The longest way of one tick: 6 m/s at one tick a second. */
const way = fc.integer({ min: -6_000, max: 6_000 })

const cellOf = (map: BlockedMap, { x, y }: { x: number; y: number }) =>
  [Math.floor((x - map.origin.x) / map.cellMm), Math.floor((y - map.origin.y) / map.cellMm)] as const

/** The cells that can be walked to from one without a diagonal step, within `reach` cells around the map. */
function reachable(map: BlockedMap, from: readonly [number, number], reach: number): ReadonlySet<string> {
  const seen = new Set([from.join()])
  const open = [from]
  for (let cell = open.pop(); cell !== undefined; cell = open.pop()) {
    for (const [dc, dr] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ] as const) {
      const [c, r] = [cell[0] + dc, cell[1] + dr]
      if (c < -reach || r < -reach || c >= SIDE + reach || r >= SIDE + reach || seen.has(`${c},${r}`)) continue
      if (isBlocked(map, map.origin.x + c * map.cellMm, map.origin.y + r * map.cellMm)) continue
      seen.add(`${c},${r}`)
      open.push([c, r])
    }
  }
  return seen
}

describe('walls', () => {
  it('whoever starts free ends free, on its way, and in a cell that can be walked to', () => {
    fc.assert(
      fc.property(
        maps,
        fc.integer({ min: -500, max: 24_500 }),
        fc.integer({ min: -500, max: 24_500 }),
        way,
        way,
        (map, offX, offY, dx, dy) => {
          const from = nearestFree(map, settings.bounds, { x: map.origin.x + offX, y: map.origin.y + offY })
          fc.pre(!isBlocked(map, from.x, from.y))
          const to = { x: from.x + dx, y: from.y + dy }
          walk(map, from.x, from.y, to)
          expect(isBlocked(map, to.x, to.y)).toBe(false)
          expect(Math.abs(to.x - from.x)).toBeLessThanOrEqual(Math.abs(dx))
          expect(Math.abs(to.y - from.y)).toBeLessThanOrEqual(Math.abs(dy))
          expect((to.x - from.x) * dx).toBeGreaterThanOrEqual(0)
          expect((to.y - from.y) * dy).toBeGreaterThanOrEqual(0)
          const cells = Math.ceil(30_000 / map.cellMm)
          if (map.cellMm >= 1_000) expect(reachable(map, cellOf(map, from), cells).has(cellOf(map, to).join())).toBe(true)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('without walls in the way a walk is as long as it was meant to be', () => {
    fc.assert(
      fc.property(way, way, (dx, dy) => {
        const map: BlockedMap = { cellMm: 250, origin: { x: 0, y: 0 }, columns: 4, rows: 4, blocked: new Uint8Array(2) }
        const to = { x: 500 + dx, y: 500 + dy }
        walk(map, 500, 500, to)
        expect(to).toEqual({ x: 500 + dx, y: 500 + dy })
      }),
    )
  })

  it('nobody is left in a wall: the nearest free place is free and within the bounds, if there is one', () => {
    const bounds = { min: { x: 0, y: 5_000 }, max: { x: 9_000, y: 9_000 } }
    fc.assert(
      fc.property(maps, fc.integer({ min: -9_000, max: 30_000 }), fc.integer({ min: -9_000, max: 30_000 }), (map, x, y) => {
        const place = nearestFree(map, bounds, { x, y })
        expect(place.x >= 0 && place.x <= 9_000 && place.y >= 5_000 && place.y <= 9_000).toBe(true)
        if (hasFreePlace(map, bounds)) expect(isBlocked(map, place.x, place.y)).toBe(false)
      }),
    )
  })

  it('a map that leaves nowhere to stand within the bounds is left away', () => {
    const content = contentSettings({
      hash: '1',
      ...parseContent({ map: { cell: 100, origin: { x: 0, y: 0 }, rows: Array(11).fill('#'.repeat(11)) } }),
    })
    expect(newState(LAYER_ID, { ...settings, content }).settings.content).toEqual({ ...content, map: undefined })
  })
})
