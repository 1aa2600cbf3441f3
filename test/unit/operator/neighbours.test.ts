import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { FleetId, ZoneId } from '../../../core/ids.ts'
import type { ZoneSpec } from '../../../core/zone.ts'
import { NeighbourGraph, neighboursOf } from '../../../operator/neighbours.ts'
import { NOW, zone } from './observed.ts'
import { World } from './world/world.ts'

const FLEET: FleetId = 'game/zone-servers'
const bounds = { min: { x: 0, y: 0 }, max: { x: 100, y: 100 } }
const beside = (...neighbours: string[]): ZoneSpec => ({ bounds, neighbours })
const named = (name: string, ...neighbours: string[]) => zone({ neighbours }, { name })

describe('neighbours', () => {
  test('are mutual, one-sided or unknown, in the order of their ids', () => {
    const others = new Map([
      ['game/forest', named('forest', 'cave', 'meadow')],
      ['game/cave', named('cave', 'forest')],
      ['game/lake', zone({ neighbours: ['meadow'] }, { name: 'lake', deletionTimestamp: new Date(NOW).toISOString() })],
    ])
    const found = neighboursOf(named('meadow', 'lake', 'forest', 'hill', 'cave'), 'game/meadow', (id) => others.get(id))
    expect(found.map(({ zone: id, state }) => `${id} ${state}`)).toEqual([
      'game/cave oneSided',
      'game/forest mutual',
      'game/hill unknown',
      'game/lake unknown',
    ])
  })

  test('the graph tells whom a change concerns: those who name the zone, when it came, went or names others', () => {
    const graph = new NeighbourGraph()
    expect(graph.changed('game/a', named('a', 'b', 'c'))).toEqual([])
    expect(graph.changed('game/b', named('b'))).toEqual(['game/a'])
    expect(graph.changed('game/b', named('b'))).toEqual([])
    expect(graph.changed('game/b', named('b', 'a'))).toEqual(['game/a'])
    expect(graph.changed('game/a', named('a', 'c', 'b'))).toEqual([])
    expect(graph.changed('game/a', named('a', 'c'))).toEqual(['game/b'])
    expect(graph.changed('game/b', undefined)).toEqual([])
    expect(graph.changed('game/c', zone({}, { name: 'c', deletionTimestamp: 'x' }))).toEqual([])
    expect(graph.changed('game/c', named('c'))).toEqual(['game/a'])
  })
})

describe('the operator and neighbours', () => {
  let world: World
  beforeEach(async () => {
    vi.useFakeTimers({ now: NOW })
    world = await World.create()
    world.api.addFleet(FLEET)
  })
  afterEach(async () => {
    await world.end()
    vi.useRealTimers()
  })
  const published = async (id: ZoneId) => (await world.index.getZone(id))?.neighbours

  test('a border opens when both name each other, and closes when one does no longer or goes', async () => {
    await world.startOperator()
    const meadow = world.api.apply('meadow', beside('forest'))
    await world.pass(1_000)
    expect([world.condition(meadow, 'Accepted'), world.zone(meadow).status?.phase]).toEqual(['False NeighbourNotFound', 'Sleeping'])
    expect(await published(meadow)).toBeUndefined()

    const forest = world.api.apply('forest', beside())
    await world.pass(1_000)
    expect(world.condition(meadow, 'Accepted')).toBe('False NeighbourNotMutual')

    world.api.apply('forest', beside('meadow'))
    await world.pass(1_000)
    expect([world.condition(meadow, 'Accepted'), world.condition(forest, 'Accepted')]).toEqual(['True Valid', 'True Valid'])
    expect([await published(meadow), await published(forest)]).toEqual([['game/forest'], ['game/meadow']])

    world.api.delete(forest)
    await world.pass(5_000)
    expect(world.api.zones.has(forest)).toBe(false)
    expect([world.condition(meadow, 'Accepted'), await published(meadow)]).toEqual(['False NeighbourNotFound', undefined])
  })

  test('a new operator takes no zone that it has not seen yet for one that does not exist', async () => {
    const zones = Array.from({ length: 40 }, (_, n) => world.api.apply(`z${n}`, beside(`z${(n + 1) % 40}`, `z${(n + 39) % 40}`)))
    await world.startOperator()
    await world.pass(5_000)
    for (const id of zones) expect(world.condition(id, 'Accepted')).toBe('True Valid')
    expect(world.api.events.filter((event) => event.includes('Neighbour'))).toEqual([])
  })
})
