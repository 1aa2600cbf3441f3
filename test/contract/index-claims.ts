import { describe, expect, it } from 'vitest'
import type { LayerReport } from '../../core/ports/index-port.ts'
import { beat, createWorld, DEATH, type IndexHarness, report } from './index-harness.ts'

type Told = readonly [state: LayerReport['state'], epoch: number, players: number]

/** What is recorded after an assignment and these reports of its host, in this order. */
const reports: readonly (readonly [string, readonly Told[], { state: string; epoch: number; players: number }])[] = [
  ['a claim begins without an epoch', [['Claiming', 0, 0]], { state: 'Claiming', epoch: 0, players: 0 }],
  [
    'a claim ends',
    [
      ['Claiming', 0, 0],
      ['Serving', 5, 1],
    ],
    { state: 'Serving', epoch: 5, players: 1 },
  ],
  ['Serving at once', [['Serving', 5, 2]], { state: 'Serving', epoch: 5, players: 2 }],
  [
    'players change',
    [
      ['Serving', 5, 2],
      ['Serving', 5, 1],
    ],
    { state: 'Serving', epoch: 5, players: 1 },
  ],
  [
    'an older state of the same epoch',
    [
      ['Serving', 5, 2],
      ['Claiming', 5, 0],
    ],
    { state: 'Serving', epoch: 5, players: 2 },
  ],
  [
    'an older epoch',
    [
      ['Serving', 5, 2],
      ['Serving', 4, 9],
    ],
    { state: 'Serving', epoch: 5, players: 2 },
  ],
  [
    'an older epoch, later state',
    [
      ['Serving', 5, 2],
      ['Closing', 4, 9],
    ],
    { state: 'Serving', epoch: 5, players: 2 },
  ],
  [
    'a new claim by the same host',
    [
      ['Serving', 5, 2],
      ['Claiming', 6, 2],
    ],
    { state: 'Claiming', epoch: 6, players: 2 },
  ],
  [
    'and its end',
    [
      ['Serving', 5, 2],
      ['Claiming', 6, 2],
      ['Serving', 6, 2],
    ],
    { state: 'Serving', epoch: 6, players: 2 },
  ],
  [
    'closing',
    [
      ['Serving', 5, 2],
      ['Closing', 5, 0],
    ],
    { state: 'Closing', epoch: 5, players: 0 },
  ],
  [
    'no way back from closing',
    [
      ['Closing', 5, 0],
      ['Serving', 5, 3],
    ],
    { state: 'Closing', epoch: 5, players: 0 },
  ],
]

export function claimsContract(harness: () => IndexHarness): void {
  describe('reports', () => {
    it.each(reports)('%s', async (_, told, recorded) => {
      const world = createWorld(harness())
      await world.register('a')
      const { generation } = await world.index.placeLayer(world.fleet, world.layer(0))
      for (const [state, epoch, players] of told) {
        await world.index.heartbeat(world.fleet, beat('a', [report(world.layer(0), generation, epoch, state, players)]))
      }
      expect(await world.index.getLayer(world.fleet, world.layer(0))).toMatchObject({ ...recorded, generation, host: 'a' })
      const [host] = (await world.index.fleetView(world.fleet)).hosts
      expect(host).toMatchObject({ layers: 1, players: recorded.players })
    })

    it('of a lower generation change nothing, and the answer says that the layer is lost', async () => {
      const world = createWorld(harness())
      await world.register('a')
      const first = await world.serve(world.layer(0), 1)
      await world.register('b')
      await world.index.failLayer(world.fleet, first.layer, 'a', first.generation, 'store away')
      await world.index.sweep(world.fleet)
      const second = await world.index.getLayer(world.fleet, first.layer)
      expect(second).toMatchObject({ host: 'b', generation: 2, state: 'Assigned' })
      const answer = await world.index.heartbeat(world.fleet, beat('a', [report(first.layer, 1, 1, 'Serving', 9)]))
      expect(answer).toEqual({ known: true, state: 'Ready', layers: [], mayLeave: false })
      expect(await world.index.getLayer(world.fleet, first.layer)).toEqual(second)
    })
  })

  describe('claims', () => {
    it('that do not begin in time are placed again, elsewhere', async () => {
      const world = createWorld(harness())
      await world.register('a')
      await world.register('b')
      expect(await world.index.placeLayer(world.fleet, world.layer(0))).toMatchObject({ host: 'a', generation: 1 })
      await world.live(2, [beat('a'), beat('b')])
      expect(await world.index.sweep(world.fleet)).toBe(0)
      await world.live(1, [beat('a'), beat('b')])
      expect(await world.index.sweep(world.fleet)).toBe(1)
      const again = await world.index.getLayer(world.fleet, world.layer(0))
      expect(again).toMatchObject({ host: 'b', generation: 2, state: 'Assigned', failure: 'the host did not claim it in time' })
    })

    it('that do not begin in time are placed again on the same host if there is no other', async () => {
      const world = createWorld(harness())
      await world.register('a')
      await world.index.placeLayer(world.fleet, world.layer(0))
      await world.live(3, [beat('a')])
      expect(await world.index.placeLayer(world.fleet, world.layer(0))).toMatchObject({ host: 'a', generation: 2, state: 'Assigned' })
    })

    it('that do not begin in time take their part of a sweep once, though the host died, too', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await world.register('b')
      expect(await index.placeLayer(fleet, world.layer(0))).toMatchObject({ host: 'a' })
      expect(await index.placeLayer(fleet, world.layer(1))).toMatchObject({ host: 'b' })
      await world.live(DEATH, [beat('b')])
      expect(await index.sweep(fleet, 2)).toBe(2)
      for (const n of [0, 1]) expect(await index.getLayer(fleet, world.layer(n))).toMatchObject({ state: 'Assigned', generation: 2 })
    })

    it('that are under way get their limit, and no longer', async () => {
      const world = createWorld(harness())
      await world.register('a')
      await world.register('b')
      const { generation } = await world.index.placeLayer(world.fleet, world.layer(0))
      const claiming = beat('a', [report(world.layer(0), generation, 0, 'Claiming')])
      await world.index.heartbeat(world.fleet, claiming)
      await world.live(15, [claiming, beat('b')])
      expect(await world.index.sweep(world.fleet)).toBe(0)
      await world.live(2, [claiming, beat('b')])
      expect(await world.index.sweep(world.fleet)).toBe(1)
      expect(await world.index.getLayer(world.fleet, world.layer(0))).toMatchObject({ host: 'b', generation: 2 })
    })

    it('of another host, or generation, or of an unknown layer are lost', async () => {
      const world = createWorld(harness())
      await world.register('a')
      const layer = await world.serve(world.layer(0))
      const { index, fleet } = world
      expect(await index.failLayer(fleet, layer.layer, 'b', 1, 'no')).toBe('lost')
      expect(await index.failLayer(fleet, layer.layer, 'a', 2, 'no')).toBe('lost')
      expect(await index.failLayer(fleet, world.layer(9), 'a', 1, 'no')).toBe('lost')
      expect(await index.beginClose(fleet, layer.layer, 'a', 2, true)).toBe('lost')
      expect(await index.closeLayer(fleet, layer.layer, 'b', 1)).toBe('lost')
      expect(await index.getLayer(fleet, layer.layer)).toEqual(layer)
    })
  })

  describe('a failed layer', () => {
    it('waits with its reason until the sweep, and is placed elsewhere', async () => {
      const world = createWorld(harness())
      await world.register('a')
      await world.register('b')
      const layer = await world.serve(world.layer(0), 3, 5)
      expect(layer.host).toBe('a')
      expect(await world.index.failLayer(world.fleet, layer.layer, 'a', 1, 'snapshot 12 is corrupt')).toBe('ok')
      const waiting = await world.index.getLayer(world.fleet, layer.layer)
      expect(waiting).toMatchObject({ state: 'Wished', host: undefined, epoch: 3, players: 0, failure: 'snapshot 12 is corrupt' })
      expect(await world.index.sweep(world.fleet)).toBe(1)
      const again = await world.index.getLayer(world.fleet, layer.layer)
      expect(again).toMatchObject({ state: 'Assigned', host: 'b', generation: 2, failure: 'snapshot 12 is corrupt' })
      expect(await world.serve(layer.layer, 4)).toMatchObject({ state: 'Serving', failure: undefined })
    })

    it('is placed on the same host if no other has room', async () => {
      const world = createWorld(harness())
      await world.register('a')
      await world.serve(world.layer(0))
      await world.index.failLayer(world.fleet, world.layer(0), 'a', 1, 'store away')
      expect(await world.index.sweep(world.fleet)).toBe(1)
      expect(await world.index.getLayer(world.fleet, world.layer(0))).toMatchObject({ host: 'a', generation: 2 })
    })

    it('waits longer each time in a row, up to a maximum, whoever asks for it', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      const waits: number[] = []
      await world.register('a')
      await index.placeLayer(fleet, world.layer(0))
      for (let generation = 1; generation <= 5; generation += 1) {
        expect(await index.failLayer(fleet, world.layer(0), 'a', generation, 'again')).toBe('ok')
        let waited = 0
        while ((await index.placeLayer(fleet, world.layer(0))).state === 'Wished') {
          await world.advance(25_000)
          await index.heartbeat(fleet, beat('a'))
          waited += 25_000
        }
        waits.push(waited)
      }
      expect(waits).toEqual([0, 50_000, 100_000, 150_000, 150_000])
    })

    it('keeps a long reason to its beginning', async () => {
      const world = createWorld(harness())
      await world.register('a')
      await world.serve(world.layer(0))
      await world.index.failLayer(world.fleet, world.layer(0), 'a', 1, 'x'.repeat(5_000))
      expect((await world.index.getLayer(world.fleet, world.layer(0))).failure).toHaveLength(500)
    })

    it('that was asked to close for good sleeps, and is placed when somebody wants it', async () => {
      const world = createWorld(harness())
      await world.register('a')
      await world.serve(world.layer(0))
      await world.index.requestClose(world.fleet, world.layer(0), 'ScaleDown')
      await world.index.failLayer(world.fleet, world.layer(0), 'a', 1, 'store away')
      expect(await world.index.getLayer(world.fleet, world.layer(0))).toMatchObject({ state: 'Asleep', failure: 'store away' })
      await world.live(DEATH, [beat('a')])
      expect(await world.index.placeLayer(world.fleet, world.layer(0))).toMatchObject({ state: 'Assigned', generation: 2, host: 'a' })
    })
  })
}
