import { describe, expect, it } from 'vitest'
import { beat, createWorld, type IndexHarness, registration, report } from './index-harness.ts'

export function adoptionContract(harness: () => IndexHarness): void {
  describe('after a loss of the index', () => {
    it('hosts are not known, register, and have their layers as they were', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await world.serve(world.layer(0), 12, 3)
      await index.beginClose(fleet, (await world.serve(world.layer(1), 4)).layer, 'a', 1, false)
      await world.flush()
      const serving = [report(world.layer(0), 7, 12, 'Serving', 3), report(world.layer(1), 2, 4, 'Closing')]
      expect(await index.heartbeat(fleet, beat('a', serving))).toMatchObject({ known: false, layers: [] })
      await index.placeLayer(fleet, world.layer(0))
      await index.registerHost(fleet, registration('a'), serving)
      expect((await index.heartbeat(fleet, beat('a', serving))).layers).toEqual([
        { layer: world.layer(0), generation: 7, closeRequested: undefined },
        { layer: world.layer(1), generation: 2, closeRequested: undefined },
      ])
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({
        state: 'Serving',
        generation: 7,
        epoch: 12,
        players: 3,
        host: 'a',
      })
      expect(await index.getLayer(fleet, world.layer(1))).toMatchObject({ state: 'Closing', generation: 2, epoch: 4 })
      await index.failLayer(fleet, world.layer(0), 'a', 7, 'moved')
      await index.sweep(fleet)
      expect((await index.getLayer(fleet, world.layer(0))).generation).toBe(8)
    })

    it('a heartbeat alone is enough, once the host is registered', async () => {
      const world = createWorld(harness())
      await world.register('a')
      const answer = await world.index.heartbeat(world.fleet, beat('a', [report(world.layer(0), 3, 9, 'Serving', 1)]))
      expect(answer.layers).toEqual([{ layer: world.layer(0), generation: 3, closeRequested: undefined }])
    })

    it('what a host serves takes its room before wishes do', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await index.placeLayer(fleet, world.layer(5))
      await index.registerHost(fleet, registration('a', 1), [report(world.layer(0), 3, 9)])
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ host: 'a', state: 'Serving' })
      expect(await index.getLayer(fleet, world.layer(5))).toMatchObject({ state: 'Wished' })
    })

    it('never beyond the capacity of the host', async () => {
      const world = createWorld(harness())
      await world.register('a', 1)
      const answer = await world.index.heartbeat(world.fleet, beat('a', [report(world.layer(0), 1, 1), report(world.layer(1), 1, 1)]))
      expect(answer.layers.map((layer) => layer.layer)).toEqual([world.layer(0)])
    })

    const claimants: readonly (readonly [string, { generation: number; epoch: number }, 'a' | 'b'])[] = [
      ['a higher epoch wins', { generation: 7, epoch: 12 }, 'b'],
      ['a higher epoch of the same generation wins', { generation: 4, epoch: 12 }, 'b'],
      ['an equal epoch does not', { generation: 7, epoch: 11 }, 'a'],
      ['a lower epoch does not', { generation: 7, epoch: 10 }, 'a'],
      ['a lower generation does not, whatever its epoch', { generation: 3, epoch: 12 }, 'a'],
    ]
    it.each(claimants)('of two claimants %s', async (_, other, winner) => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await world.register('b')
      await index.heartbeat(fleet, beat('a', [report(world.layer(0), 4, 11)]))
      const answer = await index.heartbeat(fleet, beat('b', [report(world.layer(0), other.generation, other.epoch)]))
      expect(answer.layers).toHaveLength(winner === 'b' ? 1 : 0)
      expect((await index.heartbeat(fleet, beat('a', [report(world.layer(0), 4, 11)]))).layers).toHaveLength(winner === 'a' ? 1 : 0)
      expect((await index.getLayer(fleet, world.layer(0))).host).toBe(winner)
      const { hosts } = await index.fleetView(fleet)
      expect(hosts.map((host) => host.layers)).toEqual(winner === 'a' ? [1, 0] : [0, 1])
    })

    it('a host that serves wins over one that was only assigned the layer meanwhile', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      expect(await index.placeLayer(fleet, world.layer(0))).toMatchObject({ host: 'a', generation: 1 })
      await world.register('b')
      await index.heartbeat(fleet, beat('b', [report(world.layer(0), 7, 12, 'Serving', 2)]))
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ host: 'b', generation: 7, epoch: 12, state: 'Serving' })
      expect((await index.heartbeat(fleet, beat('a'))).layers).toEqual([])
    })

    it('not a layer that was closed, failed or dropped in this generation', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      for (const n of [0, 1, 2]) await world.serve(world.layer(n), 3)
      await index.closeLayer(fleet, world.layer(0), 'a', 1)
      await index.failLayer(fleet, world.layer(1), 'a', 1, 'store away')
      await index.requestClose(fleet, world.layer(1), 'ScaleDown')
      const late = beat('a', [report(world.layer(0), 1, 3), report(world.layer(1), 1, 3), report(world.layer(2), 1, 3)])
      expect((await index.heartbeat(fleet, late)).layers.map((layer) => layer.layer)).toEqual([world.layer(2)])
    })

    it('not a layer of a zone that was forgotten; one that is only barred is to close', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await world.serve(world.layer(0), 3)
      await world.live(3)
      await index.sweep(fleet)
      await index.barZone(fleet, world.zone, 'Suspend')
      await index.unbarZone(fleet, world.zone)
      await index.barZone(fleet, world.zone, 'Delete')
      expect((await index.heartbeat(fleet, beat('a', [report(world.layer(0), 2, 3)]))).layers).toEqual([
        { layer: world.layer(0), generation: 2, closeRequested: 'Delete' },
      ])
      await index.closeLayer(fleet, world.layer(0), 'a', 2)
      await index.forgetZone(fleet, world.zone)
      expect((await index.heartbeat(fleet, beat('a', [report(world.layer(0), 9, 9)]))).layers).toEqual([])
    })

    it('by a draining host, to be closed there; a wish for it stays', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await index.drainHost(fleet, 'a')
      await index.placeLayer(fleet, world.layer(0))
      const answer = await index.heartbeat(fleet, beat('a', [report(world.layer(0), 3, 9)]))
      expect(answer.layers).toEqual([{ layer: world.layer(0), generation: 3, closeRequested: undefined }])
      await index.drainHost(fleet, 'a', 0)
      await index.heartbeat(fleet, beat('a', [report(world.layer(0), 3, 9)]))
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ host: 'a', closeRequested: 'Drain' })
      await index.closeLayer(fleet, world.layer(0), 'a', 3)
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Wished' })
    })
  })
}
