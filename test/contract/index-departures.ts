import { describe, expect, it } from 'vitest'
import { beat, createWorld, hostOf, type IndexHarness, report } from './index-harness.ts'

export function departuresContract(harness: () => IndexHarness): void {
  describe('leaving', () => {
    it('is for a draining host without a layer, of this incarnation', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await world.serve(world.layer(0))
      expect(await index.leaveHost(fleet, 'a', 'a')).toBe(false)
      await index.drainHost(fleet, 'a')
      expect(await index.leaveHost(fleet, 'a', 'a')).toBe(false)
      await index.closeLayer(fleet, world.layer(0), 'a', 1)
      expect(await index.leaveHost(fleet, 'a', 'b')).toBe(false)
      expect(await index.leaveHost(fleet, 'nobody', 'a')).toBe(false)
      expect(await index.leaveHost(fleet, 'a', 'a')).toBe(true)
      expect(await index.leaveHost(fleet, 'a', 'a')).toBe(true)
      expect((await hostOf(world, 'a'))?.state).toBe('Leaving')
      await index.drainHost(fleet, 'a')
      await world.register('a')
      expect(await index.heartbeat(fleet, beat('a', [report(world.layer(1), 1, 1)]))).toMatchObject({ state: 'Leaving', layers: [] })
      expect(await index.placeLayer(fleet, world.layer(0))).toMatchObject({ state: 'Wished' })
    })

    it('is counted as live for a while, and then forgotten once it is silent', async () => {
      const world = createWorld(harness())
      const live = async (): Promise<number> =>
        (await world.index.autoscale(world.fleet, { spare: 0, min: 0, max: 100, emptyAfterMs: 0, allocated: 0 })).live
      await world.register('a')
      await world.index.drainHost(world.fleet, 'a')
      await world.index.leaveHost(world.fleet, 'a', 'a')
      await world.live(8)
      await world.index.sweep(world.fleet)
      expect(await live()).toBe(1)
      expect((await hostOf(world, 'a'))?.state).toBe('Leaving')
      await world.live(4, [beat('a')])
      await world.index.sweep(world.fleet)
      expect(await live()).toBe(0)
      expect((await hostOf(world, 'a'))?.state).toBe('Leaving')
      await world.live(3)
      await world.index.sweep(world.fleet)
      expect(await hostOf(world, 'a')).toBeUndefined()
    })

    it('is over at once when the pod is gone', async () => {
      const world = createWorld(harness())
      await world.register('a')
      await world.index.drainHost(world.fleet, 'a')
      await world.index.leaveHost(world.fleet, 'a', 'a')
      await world.index.removeHost(world.fleet, 'a')
      expect((await world.index.autoscale(world.fleet, { spare: 0, min: 0, max: 100, emptyAfterMs: 0, allocated: 0 })).live).toBe(0)
    })
  })
}
