import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { FleetId, LayerId, ZoneId } from '../../../core/ids.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { CROWD_STABLE_FOR } from '../../../core/timing.ts'
import { Crowds } from '../../../services/allocator/crowds.ts'
import { joinZone } from '../../../services/allocator/join.ts'
import { LayerWaits } from '../../../services/allocator/layer-waits.ts'
import type { HostDouble } from './world/host-double.ts'
import { World } from './world/world.ts'

const FLEET: FleetId = 'game/zone-servers'
const bounds = { min: { x: 0, y: 0 }, max: { x: 100, y: 100 } }

let world: World
let host: HostDouble
let joins: (zone: ZoneId, count: number) => Promise<readonly LayerId[]>

beforeEach(async () => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
  world = await World.create()
  world.api.addFleet(FLEET)
  host = await world.addHost(FLEET, 'h1', 8)
  await world.startOperator()
  const clock = { now: () => Date.now() }
  const { index } = world
  const deps = {
    index,
    clock,
    waits: new LayerWaits(index, silentLog),
    crowds: new Crowds(index, clock, silentLog),
    witness: { told: () => undefined },
    meters: { waited() {}, woke() {}, ended() {} },
  }
  let characters = 0
  /** Joins through the allocator, all at once, and their hosts count them. */
  joins = async (zone, count) => {
    const signal = new AbortController().signal
    const coming = Array.from({ length: count }, () => joinZone(deps, { zone, account: 'a', character: `c${characters++}`, signal }))
    const all = Promise.all(coming)
    await world.pass(2_000)
    const layers = (await all).map(({ layer }) => layer)
    for (const layer of layers) host.players.set(layer, (host.players.get(layer) ?? 0) + 1)
    await world.pass(1_000)
    return layers
  }
})
afterEach(async () => {
  await world.end()
  vi.useRealTimers()
})

const open = async (): Promise<readonly number[]> => {
  const { layers } = await world.index.fleetView(FLEET)
  return layers.flatMap(({ layer, state }) => (state === 'Serving' ? [Number(layer.split('/')[2])] : []))
}

describe('a crowd that comes and goes', () => {
  test('finds a new layer before the last is full, without the operator; and layers close as it goes', async () => {
    const zone = world.api.apply('meadow', { bounds, layers: { min: 1, max: 3, targetPlayers: 10, maxPlayers: 12 } })
    await world.pass(2_000)
    expect(await open()).toEqual([])
    // Those who come at once fill the first layer up to its target, and the next ones see it open.
    expect(new Set(await joins(zone, 10))).toEqual(new Set(['game/meadow/0']))
    expect(await open()).toEqual([0])
    expect(await joins(zone, 1)).toEqual(['game/meadow/0'])
    expect(await open()).toEqual([0, 1])
    const second = await joins(zone, 9)
    expect(new Set(second)).toEqual(new Set(['game/meadow/1']))
    expect(host.players.get('game/meadow/0')).toBe(11)
    expect(await joins(zone, 3)).toContain('game/meadow/1')
    expect(await open()).toEqual([0, 1, 2])
    expect([...host.players.values()].reduce((sum, players) => sum + players, 0)).toBe(23)

    // Half of them go: the emptiest closes, but not at once.
    host.players.set('game/meadow/0', 6).set('game/meadow/1', 5).set('game/meadow/2', 2)
    await world.pass(CROWD_STABLE_FOR / 2)
    expect(await open()).toEqual([0, 1, 2])
    await world.pass(CROWD_STABLE_FOR)
    expect(await open()).toEqual([0, 1])
    // It wavers below and above what two hold: nothing changes.
    for (const players of [3, 10, 4, 9]) {
      host.players.set('game/meadow/1', players)
      await world.pass(CROWD_STABLE_FOR / 2)
    }
    expect(await open()).toEqual([0, 1])
    host.players.clear()
    await world.pass(CROWD_STABLE_FOR * 2)
    expect(await open()).toEqual([0])
  })

  test('kubectl scale opens and closes layers of a zone that is kept awake', async () => {
    const layers = (min: number) => ({ bounds, activation: 'Always' as const, idleAfter: '10s', layers: { min, max: 4 } })
    world.api.apply('meadow', layers(1))
    await world.pass(2_000)
    expect(await open()).toEqual([0])
    const zone = world.api.apply('meadow', layers(3))
    await world.pass(4_000)
    expect(await open()).toEqual([0, 1, 2])
    expect(world.zone(zone).status?.layerCount).toBe(3)
    world.api.apply('meadow', layers(1))
    await world.pass(30_000)
    expect(await open()).toEqual([0])
  })
})
