import { describe, expect, it } from 'vitest'
import type { FleetCounts } from '../../core/ports/index-port.ts'
import {
  beat,
  createWorld,
  DEATH,
  type IndexHarness,
  NEWBORN_MAX,
  registration,
  report,
  rules,
  ticket,
  type World,
} from './index-harness.ts'

const now = { spare: 0, min: 0, max: 100, emptyAfterMs: 0, allocated: 0 }

async function states(world: World): Promise<Readonly<Record<string, string>>> {
  const { hosts } = await world.index.fleetView(world.fleet)
  return Object.fromEntries(hosts.map((host) => [host.name, host.state]))
}

export function capacityContract(harness: () => IndexHarness): void {
  describe('autoscale', () => {
    it('counts an empty fleet', async () => {
      const world = createWorld(harness())
      const none = {
        occupied: 0,
        staying: 0,
        draining: 0,
        standing: 0,
        leaving: 0,
        evacuees: 0,
        idle: 0,
        retiring: 0,
        outdated: 0,
        live: 0,
        wishes: 0,
        capacity: 1,
      }
      const counts: FleetCounts = { ...none, free: 0, coming: 0, strays: 0, peak: 0 }
      expect(await world.index.autoscale(world.fleet, now)).toEqual(counts)
      await world.index.placeLayer(world.fleet, world.layer(0))
      expect(await world.index.autoscale(world.fleet, now)).toEqual({ ...counts, wishes: 1, peak: 1 })
    })

    it('goes by the capacity that it is asked with until a host says its own', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      for (let n = 0; n < 5; n++) await index.placeLayer(fleet, world.layer(n))
      expect(await index.autoscale(fleet, { ...now, capacity: 4 })).toMatchObject({ wishes: 5, capacity: 4, peak: 2 })
      await world.register('a', 3)
      expect(await index.autoscale(fleet, { ...now, capacity: 4 })).toMatchObject({ wishes: 2, capacity: 3 })
    })

    it('counts every kind of host', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('occupied', 1)
      await world.serve(world.layer(0))
      await world.register('draining', 1)
      await world.serve(world.layer(1))
      await index.drainHost(fleet, 'draining')
      await world.register('dead')
      await world.register('empty', 0)
      const heard = [beat('occupied', [report(world.layer(0), 1, 1)]), beat('draining', [report(world.layer(1), 1, 1)]), beat('empty')]
      await world.live(DEATH, heard)
      await world.register('leaving')
      await index.drainHost(fleet, 'leaving')
      await index.leaveHost(fleet, 'leaving', 'a')
      await world.register('outdated', 3)
      await index.heartbeat(fleet, beat('outdated', [], { outdated: true }))
      await index.placeLayer(fleet, world.layer(2))
      await index.placeLayer(fleet, world.layer(3))
      const counts = {
        occupied: 2,
        staying: 1,
        draining: 1,
        evacuees: 1,
        idle: 1,
        retiring: 0,
        outdated: 2,
        live: 5,
        wishes: 2,
        capacity: 3,
      }
      expect(await index.autoscale(fleet, now)).toMatchObject(counts)
    })

    it('counts as standing what is Allocated, or was born since Agones counted, or is about to be a host', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      const standing = async (allocated: number) => (await index.autoscale(fleet, { ...now, allocated })).standing
      await world.register('a', 1)
      await world.serve(world.layer(0))
      await world.register('b', 1)
      await world.serve(world.layer(1))
      await index.drainHost(fleet, 'b')
      await world.register('left')
      await index.drainHost(fleet, 'left')
      expect(await index.leaveHost(fleet, 'left', 'a')).toBe(true)
      const heard = [0, 1].map((n) => beat('ab'[n] ?? '', [report(world.layer(n), 1, 1)]))
      await world.live(1, heard)
      expect([await standing(2), await standing(3), await standing(5)]).toEqual([2, 3, 5])
      await index.announceHost(fleet, 'c')
      await index.announceHost(fleet, 'd')
      await index.announceHost(fleet, 'd')
      expect([await standing(2), await standing(5)]).toEqual([4, 7])
      await world.register('c', 1)
      expect([await standing(2), await standing(5)]).toEqual([4, 7])
      await world.live(5, [...heard, beat('c')])
      expect([await standing(3), await standing(5)]).toEqual([3, 5])
    })

    it('knows a bounded number of those that are about to be hosts, the latest', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      for (let n = 0; n < NEWBORN_MAX + 2; n += 1) {
        await index.announceHost(fleet, `h${n}`)
        // Of those of one millisecond none is later than the other.
        await harness().advance(fleet, 1)
      }
      expect((await index.autoscale(fleet, now)).standing).toBe(NEWBORN_MAX)
      await world.register(`h${NEWBORN_MAX + 1}`)
      await world.register('h0')
      expect((await index.autoscale(fleet, now)).standing).toBe(NEWBORN_MAX + 1)
    })

    it('a game server that is gone is about to be no host any more', async () => {
      const { index, fleet } = createWorld(harness())
      for (const name of ['a', 'b']) await index.announceHost(fleet, name)
      // A host of that name, not the server: it may have begun anew.
      await index.removeHost(fleet, 'a', 'another')
      expect((await index.autoscale(fleet, now)).standing).toBe(2)
      await index.removeHost(fleet, 'a')
      expect((await index.autoscale(fleet, now)).standing).toBe(1)
    })

    it('counts what is to leave its host, until a slot is kept for it elsewhere', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a', 3)
      for (const n of [0, 1, 2]) await world.serve(world.layer(n))
      const counts = { occupied: 1, staying: 1, draining: 0, evacuees: 0, free: 0, peak: 1 }
      expect(await index.autoscale(fleet, now)).toMatchObject(counts)
      await index.drainHost(fleet, 'a')
      expect(await index.autoscale(fleet, now)).toMatchObject({ ...counts, staying: 0, draining: 1, evacuees: 3 })
      await world.register('b', 3)
      const reports = [0, 1, 2].map((n) => report(world.layer(n), 1, 1))
      await index.heartbeat(fleet, beat('a', reports))
      expect(await index.autoscale(fleet, now)).toMatchObject({ occupied: 2, staying: 1, draining: 1, evacuees: 2, free: 2, peak: 1 })
    })

    it('counts the layers of as many outdated hosts as may drain next, the fullest', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      for (const [host, layers] of [
        ['a', [0]],
        ['b', [1, 2]],
        ['c', [3]],
      ] as const) {
        await world.register(host, layers.length)
        for (const n of layers) await world.serve(world.layer(n))
      }
      for (const host of ['a', 'b', 'c']) await index.heartbeat(fleet, beat(host, [], { outdated: true }))
      expect(await index.autoscale(fleet, now)).toMatchObject({ staying: 3, draining: 0, evacuees: 2 })
      await index.drainHost(fleet, 'a')
      expect(await index.autoscale(fleet, now)).toMatchObject({ staying: 2, draining: 1, evacuees: 1 })
    })

    it.each([
      ['drains for as long as it takes: whatever Agones counts', 1, undefined, 0, { draining: 1, leaving: 0 }],
      ['was asked to stop, and is counted', 1, 1_000_000, 1, { draining: 0, leaving: 1 }],
      ['was asked to stop, and is not counted any more', 1, 1_000_000, 0, { draining: 0, leaving: 0 }],
      ['drains, has no layer, and is counted', 0, undefined, 1, { draining: 0, leaving: 1 }],
    ])('counts a host that %s', async (_, layers, withinMs, allocated, counts) => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a', 1)
      for (let n = 0; n < layers; n += 1) await world.serve(world.layer(n))
      await index.drainHost(fleet, 'a', withinMs)
      expect(await index.autoscale(fleet, { ...now, allocated })).toMatchObject({ live: 1, staying: 0, ...counts })
    })

    it('counts a host that left for as long as Agones does', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('stays', 1)
      await world.serve(world.layer(0))
      await world.register('a')
      await index.drainHost(fleet, 'a')
      expect(await index.leaveHost(fleet, 'a', 'a')).toBe(true)
      expect(await index.autoscale(fleet, { ...now, allocated: 2 })).toMatchObject({ occupied: 1, live: 2, leaving: 1 })
      expect(await index.autoscale(fleet, { ...now, allocated: 1 })).toMatchObject({ occupied: 1, live: 2, leaving: 0 })
    })

    it('retires the hosts beyond the spare that are empty the longest, each when it is its time', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('c')
      await world.live(1, [beat('c')])
      await world.register('b')
      await world.live(1, [beat('b'), beat('c')])
      await world.register('a')
      expect(await index.autoscale(fleet, { ...now, spare: 1, emptyAfterMs: 100_000 })).toMatchObject({
        idle: 2,
        retiring: 1,
        live: 3,
      })
      expect(await states(world)).toEqual({ a: 'Ready', b: 'Ready', c: 'Retiring' })
      await world.live(1, [beat('a'), beat('b'), beat('c')])
      expect(await index.autoscale(fleet, { ...now, spare: 1, emptyAfterMs: 100_000 })).toMatchObject({ idle: 1, retiring: 2 })
      await world.live(1, [beat('a'), beat('b'), beat('c')])
      expect(await index.autoscale(fleet, { ...now, spare: 1, emptyAfterMs: 0 })).toMatchObject({ idle: 1, retiring: 2 })
      expect(await states(world)).toEqual({ a: 'Ready', b: 'Retiring', c: 'Retiring' })
    })

    it('retires nobody while a wish is open', async () => {
      const world = createWorld(harness())
      await world.register('a')
      await world.index.placeLayer(world.fleet, world.layer(0))
      await world.index.failLayer(world.fleet, world.layer(0), 'a', 1, 'not yet')
      expect(await world.index.autoscale(world.fleet, now)).toMatchObject({ idle: 1, retiring: 0, wishes: 1 })
    })

    it('lets a retiring host leave only when a later call has counted it', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await index.autoscale(fleet, now)
      expect(await index.heartbeat(fleet, beat('a'))).toMatchObject({ state: 'Retiring', mayLeave: false })
      expect(await index.leaveHost(fleet, 'a', 'a')).toBe(false)
      expect(await index.autoscale(fleet, now)).toMatchObject({ retiring: 1, live: 1 })
      expect(await index.heartbeat(fleet, beat('a'))).toMatchObject({ state: 'Retiring', mayLeave: true })
      expect(await index.leaveHost(fleet, 'a', 'a')).toBe(true)
    })

    it('a placement un-retires, when no other host has room, even a counted one', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await index.autoscale(fleet, now)
      await index.autoscale(fleet, now)
      await world.register('b', 1)
      expect(await index.placeLayer(fleet, world.layer(0))).toMatchObject({ host: 'b' })
      expect(await index.placeLayer(fleet, world.layer(1))).toMatchObject({ host: 'a' })
      expect(await index.leaveHost(fleet, 'a', 'a')).toBe(false)
      expect(await states(world)).toEqual({ a: 'Ready', b: 'Ready' })
      await index.closeLayer(fleet, world.layer(1), 'a', 1)
      await index.autoscale(fleet, now)
      expect(await index.leaveHost(fleet, 'a', 'a')).toBe(false)
    })

    it('keeps retiring hosts that the spare needs, the ones empty the shortest', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await world.live(1, [beat('a')])
      await world.register('b')
      expect(await index.autoscale(fleet, now)).toMatchObject({ retiring: 2, idle: 0 })
      expect(await index.autoscale(fleet, { ...now, spare: 1, emptyAfterMs: 0 })).toMatchObject({ retiring: 1, idle: 1 })
      expect(await states(world)).toEqual({ a: 'Retiring', b: 'Ready' })
    })

    for (const { min, max, occupied, idle } of [
      { min: 3, max: 100, occupied: 3, idle: 0 },
      { min: 3, max: 100, occupied: 2, idle: 1 },
      { min: 3, max: 100, occupied: 0, idle: 3 },
      { min: 0, max: 100, occupied: 1, idle: 0 },
      { min: 5, max: 2, occupied: 1, idle: 1 },
      { min: 5, max: 2, occupied: 3, idle: 0 },
    ]) {
      it(`between ${min} and ${max} hosts, ${occupied} of them occupied: keeps ${idle} of three idle ones`, async () => {
        const world = createWorld(harness())
        const { index, fleet } = world
        for (let k = 0; k < occupied; k++) {
          await world.register(`occupied-${k}`, 1)
          await world.serve(world.layer(k))
        }
        for (const name of ['a', 'b', 'c']) await world.register(name)
        const bounds = { ...now, min, max }
        expect(await index.autoscale(fleet, bounds)).toMatchObject({ occupied, idle, retiring: 3 - idle })
        expect(await index.autoscale(fleet, bounds)).toMatchObject({ occupied, idle, retiring: 3 - idle })
        expect(await index.autoscale(fleet, { ...bounds, min: occupied + 2, max: 100 })).toMatchObject({ idle: 2 })
      })
    }

    it.each([
      ['outdated', ({ index, fleet }: World) => index.heartbeat(fleet, beat('old', [], { outdated: true }))],
      ['draining', ({ index, fleet }: World) => index.drainHost(fleet, 'old')],
    ] as const)('keeps one more empty host than it needs while another is %s', async (_, goes) => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('old', 1)
      await world.serve(world.layer(0))
      await world.register('new')
      const full = { ...now, max: 1 }
      await goes(world)
      expect(await index.autoscale(fleet, full)).toMatchObject({ occupied: 1, outdated: 1, idle: 1, retiring: 0 })
      await index.removeHost(fleet, 'old')
      await world.register('newer')
      expect(await index.autoscale(fleet, full)).toMatchObject({ occupied: 1, outdated: 0, idle: 0, retiring: 1 })
    })

    it('takes layers that open for a sign of more, but not those that were open when the index lost everything', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      const layers = Array.from({ length: 9 }, (_, n) => world.layer(n))
      await world.register('a', 9)
      for (const layer of layers) await world.serve(layer)
      expect(await index.autoscale(fleet, now)).toMatchObject({ occupied: 1, coming: 2, peak: 2 })
      await world.flush()
      const serving = layers.map((layer) => report(layer, 1, 1))
      await index.registerHost(fleet, registration('a', 9), serving)
      expect(await index.autoscale(fleet, now)).toMatchObject({ occupied: 1, coming: 0, peak: 1 })
    })

    const { podStartMin: least = 0, podStartMax: most = 0 } = rules
    it.each([
      ['no time at all', 0, false],
      ['as long as a pod start takes', least * 2, true],
      ['longer than any pod start takes', most + 1, false],
    ])('learns how long a pod start takes only when a host comes for a wish that waited as long: %s', async (_, waited, learns) => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await index.placeLayer(fleet, world.layer(0))
      const before = (await index.joinLayer(fleet, world.layer(0), ticket('x'))).queue?.expectedMs
      await world.advance(waited)
      await world.register('a', 1)
      await index.placeLayer(fleet, world.layer(1))
      const after = (await index.joinLayer(fleet, world.layer(1), ticket('y'))).queue?.expectedMs
      expect(before).toBeGreaterThan(0)
      if (learns) expect(after).toBeLessThan(before ?? 0)
      else expect(after).toBe(before)
    })

    it('drains a retiring host like any other', async () => {
      const world = createWorld(harness())
      await world.register('a')
      await world.index.autoscale(world.fleet, now)
      await world.index.drainHost(world.fleet, 'a')
      expect(await world.index.placeLayer(world.fleet, world.layer(0))).toMatchObject({ state: 'Wished' })
      expect(await world.index.leaveHost(world.fleet, 'a', 'a')).toBe(true)
    })
  })
}
