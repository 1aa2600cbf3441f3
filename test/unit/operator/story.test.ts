import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { FleetId } from '../../../core/ids.ts'
import type { ZoneSpec } from '../../../core/zone.ts'
import { NOW } from './observed.ts'
import { World } from './world/world.ts'

const FLEET: FleetId = 'game/zone-servers'
const spec = (extra: Partial<ZoneSpec> = {}): ZoneSpec => ({
  bounds: { min: { x: 0, y: 0 }, max: { x: 100, y: 100 } },
  activation: 'Always',
  ...extra,
})

describe('what kubectl describe shows of a zone', () => {
  let world: World
  beforeEach(async () => {
    vi.useFakeTimers({ now: NOW })
    world = await World.create()
    await world.startOperator()
  })
  afterEach(async () => {
    await world.end()
    vi.useRealTimers()
  })

  test('is its story, in order: each turn once, what was wrong, and who hosts it', async () => {
    world.api.apply('meadow', spec())
    await world.pass(2_000)
    world.api.addFleet(FLEET)
    await world.pass(3_000)
    const first = await world.addHost(FLEET, 'h1')
    await world.pass(3_000)
    first.players.set('game/meadow/0', 7)
    await world.pass(60_000)
    await world.addHost(FLEET, 'h2')
    first.stop()
    await world.pass(10_000)
    world.api.apply('meadow', spec({ suspend: true }))
    await world.pass(5_000)
    world.api.apply('meadow', spec({ activation: 'OnDemand' }))
    await world.pass(5_000)
    world.api.delete('game/meadow')
    await world.pass(10_000)
    expect(world.api.events.map((event) => event.replace('game/meadow ', ''))).toEqual([
      'Warning FleetNotFound: Fleet game/zone-servers (the default fleet) does not exist: create it or set spec.fleet to one in this namespace',
      'Normal Pending: nothing is hosted before that is put right',
      'Normal Accepted: Fleet game/zone-servers hosts the zone',
      'Normal Waking: Pending → Waking: who joins is let in as soon as a layer is served',
      'Normal NoHost: layer 0: no host of Fleet game/zone-servers has room, one is awaited; see kubectl get fleet,gameserver -n game',
      'Normal Running: Waking → Running: players can join: layer 0 on h1',
      'Warning Failed: Running → Failed: layer 0: host h1 sends no heartbeat. It is tried again; see the log of the zone servers and the store',
      'Normal Running: Failed → Running: players can join: layer 0 on h2',
      'Normal Draining: Running → Draining: layer 0 closing',
      'Normal Suspended: Draining → Suspended: the zone is suspended: set spec.suspend to false to open it',
      'Normal Sleeping: Suspended → Sleeping: nobody is in; a join wakes the zone',
      'Normal Terminating: Sleeping → Terminating: the zone is being deleted',
    ])
  })
})
