import { describe, expect, it } from 'vitest'
import { beat, createWorld, DEATH, hostOf, type IndexHarness, report, ticket } from './index-harness.ts'

export function departuresContract(harness: () => IndexHarness): void {
  describe('draining', () => {
    it('asks for every open layer and moves every other one at once', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await world.serve(world.layer(0))
      await index.placeLayer(fleet, world.layer(1))
      await world.register('b')
      await index.drainHost(fleet, 'a')
      await index.drainHost(fleet, 'a')
      await index.drainHost(fleet, 'nobody')
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Serving', host: 'a', closeRequested: 'Drain' })
      expect(await index.getLayer(fleet, world.layer(1))).toMatchObject({ state: 'Assigned', host: 'b', generation: 2 })
      expect(await index.heartbeat(fleet, beat('a', [report(world.layer(0), 1, 1)]))).toMatchObject({ state: 'Draining', mayLeave: false })
      expect(await index.joinLayer(fleet, world.layer(0), ticket('x'))).toMatchObject({ ticketed: false, state: 'Serving' })
      await index.beginClose(fleet, world.layer(0), 'a', 1, true)
      await index.closeLayer(fleet, world.layer(0), 'a', 1)
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Assigned', host: 'b', generation: 2 })
      expect(await index.heartbeat(fleet, beat('a'))).toMatchObject({ state: 'Draining', mayLeave: true, layers: [] })
    })

    it('with nowhere to go leaves a wish, which the draining host can not take back', async () => {
      const world = createWorld(harness())
      await world.register('a')
      await world.index.placeLayer(world.fleet, world.layer(0))
      await world.index.drainHost(world.fleet, 'a')
      const answer = await world.index.heartbeat(world.fleet, beat('a', [report(world.layer(0), 1, 0, 'Claiming')]))
      expect(answer).toMatchObject({ state: 'Draining', layers: [] })
      expect(await world.index.getLayer(world.fleet, world.layer(0))).toMatchObject({ state: 'Wished' })
    })

    it('survives a silence', async () => {
      const world = createWorld(harness())
      await world.register('a')
      await world.index.drainHost(world.fleet, 'a')
      await world.live(DEATH)
      await world.index.sweep(world.fleet)
      expect(await world.index.heartbeat(world.fleet, beat('a'))).toMatchObject({ known: true, state: 'Draining' })
    })
  })

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
        (await world.index.autoscale(world.fleet, { spare: 0, min: 0, max: 100, emptyAfterMs: 0 })).live
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
      expect((await world.index.autoscale(world.fleet, { spare: 0, min: 0, max: 100, emptyAfterMs: 0 })).live).toBe(0)
    })
  })
}
