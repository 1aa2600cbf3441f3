import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { chains } from '../../../core/chains.ts'
import type { FleetId } from '../../../core/ids.ts'
import type { ServerFate } from '../../../core/ports/zone-source-port.ts'
import {
  FINALIZER_DEADLINE,
  HEARTBEAT_EVERY,
  HOST_DEAD_AFTER,
  HOST_SUSPECT_DEAD_AFTER,
  STATUS_PLAYERS_EVERY,
  SWEEP_EVERY,
} from '../../../core/timing.ts'
import type { ZoneSpec } from '../../../core/zone.ts'
import { World } from './world/world.ts'

const bounds = { min: { x: 0, y: 0 }, max: { x: 100, y: 100 } }
const always = (extra: Partial<ZoneSpec> = {}): ZoneSpec => ({ bounds, activation: 'Always', ...extra })
const FLEET: FleetId = 'game/zone-servers'

let world: World
beforeEach(async () => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
  world = await World.create()
})
afterEach(async () => {
  await world.end()
  vi.useRealTimers()
})

describe('the operator, over doubles of the cluster', () => {
  test('Always is placed and Running; OnDemand sleeps and holds no host', async () => {
    world.api.addFleet(FLEET)
    await world.addHost(FLEET, 'h1')
    await world.startOperator()
    const awake = world.api.apply('meadow', always({ layers: { min: 2, max: 3 } }))
    const asleep = world.api.apply('forest', { bounds })
    await world.pass(5_000)
    expect(world.zone(awake).status).toMatchObject({ phase: 'Running', fleet: 'zone-servers', layerCount: 2, players: 0 })
    expect(world.zone(awake).status?.layers?.[0]).toMatchObject({
      index: 0,
      state: 'Serving',
      host: 'h1',
      node: 'n1',
      endpoints: ['h1:7000'],
      epoch: 1,
    })
    expect(world.zone(asleep).status).toMatchObject({ phase: 'Sleeping', layerCount: 0, layers: [] })
    expect(['Accepted', 'Ready'].map((type) => world.condition(asleep, type))).toEqual(['True Valid', 'True Sleeping'])
    expect((await world.index.listZones()).map(({ zone }) => zone)).toEqual(['game/forest', 'game/meadow'])
  })

  test('a new zone costs three writes: its finalizer, its settings in the index, one status', async () => {
    world.api.addFleet(FLEET)
    await world.startOperator()
    const id = world.api.apply('meadow', { bounds })
    await world.pass(5_000)
    expect(world.zone(id).status).toMatchObject({ phase: 'Sleeping', fleet: 'zone-servers', observedGeneration: 1 })
    expect(world.life.writes).toBe(3)
  })

  test('a zone whose fleet does not exist says so, and recovers when it appears', async () => {
    await world.startOperator()
    const id = world.api.apply('meadow', always({ fleet: 'elsewhere' }))
    await world.pass(2_000)
    expect(world.zone(id).status?.phase).toBe('Pending')
    expect(world.condition(id, 'Accepted')).toBe('False FleetNotFound')
    expect(world.zone(id).status?.conditions?.find(({ type }) => type === 'Accepted')?.message).toContain('game/elsewhere')
    expect(await world.index.listZones()).toEqual([])
    world.api.addFleet('game/elsewhere')
    await world.addHost('game/elsewhere', 'h1')
    await world.pass(3_000)
    expect(world.zone(id).status?.phase).toBe('Running')
    expect(world.api.events.some((event) => event.includes('FleetNotFound'))).toBe(true)
  })

  test('no host: waiting is said with what to do; then it is served', async () => {
    world.api.addFleet(FLEET)
    await world.startOperator()
    const id = world.api.apply('meadow', always())
    await world.pass(2_000)
    expect([world.zone(id).status?.phase, world.condition(id, 'Hosted')]).toEqual(['Waking', 'False NoHost'])
    await world.addHost(FLEET, 'h1')
    await world.pass(3_000)
    expect(world.zone(id).status?.phase).toBe('Running')
  })

  test('a killed host is replaced when it was silent for two seconds, and for one when Agones says that it has ended; at once when its pod is gone', async () => {
    world.api.addFleet(FLEET)
    const hosts = new Map([['h1', await world.addHost(FLEET, 'h1')]])
    await world.startOperator()
    const id = world.api.apply('meadow', always())
    await world.pass(3_000)
    const host = (): string => world.zone(id).status?.layers?.[0]?.host ?? ''
    /** Ends the host of the layer just after a heartbeat; how long it takes until another serves it, ms. */
    const away = async (next: string, told: ServerFate['fate'] | undefined): Promise<number> => {
      hosts.set(next, await world.addHost(FLEET, next))
      await world.pass(3_000)
      const ended = host()
      hosts.get(ended)?.stop()
      await world.pass(100)
      if (told !== undefined) world.api.tellServer({ fleet: FLEET, name: ended, fate: told })
      let passed = 100
      for (; (await world.index.getLayer(FLEET, 'game/meadow/0')).host === ended && passed < 10_000; passed += 100) await world.pass(100)
      await world.pass(3_000)
      expect([host(), world.zone(id).status?.phase]).toEqual([next, 'Running'])
      return passed
    }
    const silent = await away('h2', undefined)
    const unhealthy = await away('h3', 'unhealthy')
    const gone = await away('h4', 'gone')
    expect(silent).toBeGreaterThanOrEqual(HOST_DEAD_AFTER - HEARTBEAT_EVERY)
    expect(unhealthy).toBeLessThanOrEqual(HOST_SUSPECT_DEAD_AFTER + SWEEP_EVERY + 200)
    expect(gone).toBeLessThanOrEqual(200)
  })

  test('nothing is written once the lease was lost, whatever is seen', async () => {
    world.api.addFleet(FLEET)
    const host = await world.addHost(FLEET, 'h1')
    await world.startOperator()
    const id = world.api.apply('meadow', always())
    await world.pass(3_000)
    const { status } = world.zone(id)
    expect(status).toMatchObject({ phase: 'Running', players: 0 })
    const told = (['removeHost', 'drainHost', 'suspectHost', 'sweep'] as const).map((name) => vi.spyOn(world.index, name))
    const [{ writes }, events] = [world.life, world.api.events.length]
    world.leading = false
    host.players.set('game/meadow/0', 7)
    world.api.apply('forest', always())
    world.api.apply('broken', always({ fleet: 'elsewhere' }))
    for (const fate of ['leaving', 'unhealthy', 'gone'] as const) world.api.tellServer({ fleet: FLEET, name: 'h2', fate })
    await world.pass(2 * STATUS_PLAYERS_EVERY)
    expect((await world.index.getLayer(FLEET, 'game/meadow/0')).players).toBe(7)
    expect([world.life.writes, world.api.events.length, world.zone(id).status]).toEqual([writes, events, status])
    expect(told.flatMap((each) => each.mock.calls)).toEqual([])
  })

  test('suspend closes and keeps closed; un-suspend opens again', async () => {
    world.api.addFleet(FLEET)
    await world.addHost(FLEET, 'h1')
    await world.startOperator()
    const id = world.api.apply('meadow', always())
    await world.pass(3_000)
    world.api.apply('meadow', always({ suspend: true }))
    await world.pass(5_000)
    expect([world.zone(id).status?.phase, world.condition(id, 'Ready')]).toEqual(['Suspended', 'False Suspended'])
    expect((await world.index.placeLayer(FLEET, 'game/meadow/0')).state).toBe('Barred')
    world.api.apply('meadow', always())
    await world.pass(5_000)
    expect(world.zone(id).status?.phase).toBe('Running')
  })

  test('another fleet: closed in the old one before it is opened in the new one', async () => {
    world.api.addFleet(FLEET)
    world.api.addFleet('game/fast')
    await world.addHost(FLEET, 'h1')
    await world.addHost('game/fast', 'f1')
    await world.startOperator()
    const id = world.api.apply('meadow', always())
    await world.pass(3_000)
    world.api.apply('meadow', always({ fleet: 'fast' }))
    await world.pass(6_000)
    expect(world.zone(id).status).toMatchObject({ phase: 'Running', fleet: 'fast' })
    expect(world.zone(id).status?.layers?.[0]).toMatchObject({ host: 'f1', state: 'Serving' })
    expect((await world.index.fleetView(FLEET)).layers).toEqual([])
    world.api.apply('meadow', always())
    await world.pass(6_000)
    expect(world.zone(id).status?.layers?.[0]).toMatchObject({ host: 'h1', state: 'Serving' })
  })

  test('fewer layers: those beyond max close at once, those beyond min when they are empty for long enough', async () => {
    world.api.addFleet(FLEET)
    const host = await world.addHost(FLEET, 'h1', 8)
    await world.startOperator()
    const spec = (min: number, max: number): ZoneSpec => always({ idleAfter: '20s', layers: { min, max } })
    const id = world.api.apply('meadow', spec(4, 4))
    await world.pass(4_000)
    host.players.set('game/meadow/2', 1)
    await world.pass(1_000)
    world.api.apply('meadow', spec(1, 3))
    await world.pass(5_000)
    expect(world.zone(id).status?.layers?.map(({ index }) => index)).toEqual([0, 1, 2])
    await world.pass(25_000)
    expect(world.zone(id).status?.layers?.map(({ index }) => index)).toEqual([0, 2])
  })

  test.each(['Retain', 'Delete'] as const)('deletion closes the layers and lets go; retention %s', async (retention) => {
    world.api.addFleet(FLEET)
    await world.addHost(FLEET, 'h1')
    await world.startOperator()
    const id = world.api.apply('meadow', always({ retention }))
    await world.pass(3_000)
    const layer = 'game/meadow/0'
    expect(await world.store.append(chains.evidence(layer), 1, 'n', { kind: 'crash', data: { tick: 1 } })).toBe('Done')
    const entry = { tick: 1, previous: 0, batch: new Uint8Array(3), digest: '0123456789abcdef' }
    const append = { layer, epoch: 1, fence: await world.index.raiseFence(layer, 1), ...entry } as const
    expect(await world.index.appendJournal([append])).toEqual(['Done'])
    world.api.delete(id)
    await world.pass(300)
    expect(world.zone(id).status?.phase).toBe('Terminating')
    await world.pass(5_000)
    expect(world.api.zones.has(id)).toBe(false)
    expect(await world.index.listZones()).toEqual([])
    expect((await world.index.fleetView(FLEET)).layers).toEqual([])
    const left = await world.store.read('layer/game/meadow/0', 1, 10)
    expect(left.map(({ kind }) => kind)).toEqual(retention === 'Delete' ? ['erased'] : ['open', 'close'])
    const evidence = await world.store.read(chains.evidence(layer), 1, 10)
    expect(evidence.map(({ kind }) => kind)).toEqual(retention === 'Delete' ? ['erased'] : ['crash'])
    expect(await world.index.appendJournal([append])).toEqual([retention === 'Delete' ? 'Fenced' : 'Done'])
    const next = await world.index.raiseFence(layer, 9)
    expect(await world.index.readJournal(layer, next, 0, 9)).toMatchObject({ last: retention === 'Delete' ? 0 : 1 })
  })

  test('a host that does not close: let go after the deadline, and told what is left', async () => {
    world.api.addFleet(FLEET)
    const host = await world.addHost(FLEET, 'h1')
    await world.startOperator()
    const id = world.api.apply('meadow', always())
    await world.pass(3_000)
    host.stop()
    const stuck = setInterval(() => {
      const layers = [{ layer: 'game/meadow/0', generation: 1, epoch: 1, state: 'Closing', players: 0, dataSafe: true }] as const
      void world.index.heartbeat(FLEET, { host: 'h1', incarnation: 'h1-1', outdated: false, layers })
    }, 500)
    world.api.delete(id)
    await world.pass(FINALIZER_DEADLINE - 5_000)
    expect(world.zone(id).status?.conditions?.find(({ type }) => type === 'Progressing')?.message).toContain('layer 0 is Closing on h1')
    await world.pass(10_000)
    clearInterval(stuck)
    expect(world.api.zones.has(id)).toBe(false)
    expect(world.api.events.some((event) => event.includes('DeadlinePassed') && event.includes('layer 0'))).toBe(true)
  })

  test('a zone of a fleet that never existed can be deleted', async () => {
    await world.startOperator()
    const id = world.api.apply('meadow', always({ retention: 'Delete' }))
    await world.pass(1_000)
    world.api.delete(id)
    await world.pass(5_000)
    expect(world.api.zones.has(id)).toBe(false)
  })

  test('deleted and made again under the same name: opened again though the old one was barred', async () => {
    world.api.addFleet(FLEET)
    await world.addHost(FLEET, 'h1')
    await world.startOperator()
    const id = world.api.apply('meadow', always())
    await world.pass(3_000)
    world.api.delete(id)
    await world.pass(5_000)
    world.api.apply('meadow', always())
    await world.pass(5_000)
    expect(world.zone(id).status).toMatchObject({ phase: 'Running' })
    expect(world.zone(id).status?.layers?.[0]?.epoch).toBeGreaterThan(1)
  })

  test('a finalizer taken away by hand: what the zone left in the index is taken away all the same', async () => {
    world.api.addFleet(FLEET)
    await world.addHost(FLEET, 'h1')
    await world.startOperator()
    const id = world.api.apply('meadow', always())
    await world.pass(3_000)
    world.api.force(id)
    await world.pass(10_000)
    expect(await world.index.listZones()).toEqual([])
    expect((await world.index.fleetView(FLEET)).layers).toEqual([])
  })

  test('a dedicated fleet is made from the named one, follows it, and goes when it is no longer asked for', async () => {
    const template = { spec: { template: { spec: { containers: [{ name: 'zone-server', image: 'x:1' }] } } } }
    world.api.addFleet(FLEET, { template }, { name: 'a', spec: { fleetName: 'zone-servers', policy: { type: 'Webhook' } } })
    await world.startOperator()
    const id = world.api.apply('meadow', { bounds, dedicated: { from: 'zone-servers' } })
    await world.pass(3_000)
    const made = world.api.fleets.get('game/zone-meadow')
    expect(made?.autoscaler?.spec).toEqual({ fleetName: 'zone-meadow', policy: { type: 'Webhook' } })
    expect(made?.fleet.ownerZone).toBe(world.zone(id).metadata.uid)
    expect(world.zone(id).status).toMatchObject({ phase: 'Sleeping', fleet: 'zone-meadow' })
    world.api.apply('meadow', { bounds })
    await world.pass(5_000)
    expect(world.api.fleets.has('game/zone-meadow')).toBe(false)
    expect(world.zone(id).status?.fleet).toBe('zone-servers')
  })

  test('an index that lost everything is filled again', async () => {
    world.api.addFleet(FLEET)
    await world.addHost(FLEET, 'h1')
    await world.startOperator()
    const id = world.api.apply('forest', { bounds })
    await world.pass(3_000)
    world.index.flush()
    await world.pass(5_000)
    expect((await world.index.listZones()).map(({ zone }) => zone)).toEqual([id])
  })

  test('an outage of the index is one line of the log, not a changed condition of every zone; everything goes on afterwards', async () => {
    world.api.addFleet(FLEET)
    await world.addHost(FLEET, 'h1', 200)
    await world.startOperator()
    const ids = Array.from({ length: 50 }, (_, n) => world.api.apply(`z${n}`, always()))
    await world.pass(5_000)
    const before = ids.map((id) => world.zone(id).status)
    expect(before.every((status) => status?.phase === 'Running')).toBe(true)
    world.indexAway = true
    world.api.apply('z0', always({ suspend: true }))
    await world.pass(60_000)
    expect(world.told).toEqual(['index: does not answer, zones stay as they are'])
    expect(ids.slice(1).map((id) => world.zone(id).status)).toEqual(before.slice(1))
    world.indexAway = false
    await world.pass(10_000)
    expect(world.zone('game/z0').status?.phase).toBe('Suspended')
    expect(ids.slice(1).every((id) => world.zone(id).status?.phase === 'Running')).toBe(true)
  })

  test('a layer that can not be claimed: Failed, and the reason is in the conditions', async () => {
    world.api.addFleet(FLEET)
    const host = await world.addHost(FLEET, 'h1')
    host.failing = 'StoreCorrupt: snapshot 7 of layer/game/meadow/0'
    await world.startOperator()
    const id = world.api.apply('meadow', always())
    await world.pass(10_000)
    expect([world.zone(id).status?.phase, world.condition(id, 'DataSafe')]).toEqual(['Failed', 'False LayerFailed'])
    host.failing = undefined
    await world.pass(30_000)
    expect([world.zone(id).status?.phase, world.condition(id, 'DataSafe')]).toEqual(['Running', 'True NoFailure'])
  })
})
