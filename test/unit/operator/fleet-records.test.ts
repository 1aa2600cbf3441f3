import { describe, expect, it } from 'vitest'
import type { LayerId, ZoneId } from '../../../core/ids.ts'
import type { FleetNews, LayerView } from '../../../core/ports/index-port.ts'
import { FleetRecords } from '../../../operator/fleet-records.ts'
import { layer } from './observed.ts'

const zone: ZoneId = 'game/meadow'
const view = (index: number, players = 0): LayerView => layer(index, { players })
const id = (index: number): LayerId => view(index).layer
const news = (more: Partial<FleetNews>): FleetNews => ({
  ...{ position: '1-1', whole: false, layers: [], gone: [], players: undefined, hosts: undefined, barred: undefined },
  ...more,
})

describe('the records of a fleet, kept by its news', () => {
  it('hold what came, what changed and what was left, and name the zones concerned', () => {
    const records = new FleetRecords()
    expect([...records.take(news({ whole: true, layers: [view(0, 3), view(1)] }))]).toEqual([zone])
    expect([...records.take(news({}))]).toEqual([])
    expect([...records.take(news({ gone: [id(1)] }))]).toEqual([zone])
    expect([...records.layersOf(zone).values()]).toEqual([view(0, 3)])
    expect([...records.take(news({ whole: true }))]).toEqual([zone])
    expect(records.layersOf(zone).size).toBe(0)
  })

  it('count players when they are told: who is not named has none', () => {
    const records = new FleetRecords()
    records.take(news({ whole: true, layers: [view(0, 3), view(1, 1), view(2)] }))
    expect([...records.take(news({ players: new Map([[id(0), 3]]) }))]).toEqual([zone])
    expect([0, 1, 2].map((index) => records.layersOf(zone).get(id(index))?.players)).toEqual([3, 0, 0])
    expect([...records.take(news({ players: new Map([[id(0), 3]]) }))]).toEqual([])
    // Of a layer that is not known yet nothing is kept: the news of it bring its players.
    expect([
      ...records.take(
        news({
          players: new Map([
            [id(0), 3],
            [id(9), 5],
          ] as const),
        }),
      ),
    ]).toEqual([])
  })

  it('name a zone whose bar came or went', () => {
    const records = new FleetRecords()
    expect([...records.take(news({ barred: [zone] }))]).toEqual([zone])
    expect([...records.take(news({ barred: [zone] }))]).toEqual([])
    expect(records.isBarred(zone)).toBe(true)
    expect([...records.take(news({ barred: ['game/other'] }))].sort()).toEqual(['game/meadow', 'game/other'])
    expect(records.isBarred(zone)).toBe(false)
  })
})
