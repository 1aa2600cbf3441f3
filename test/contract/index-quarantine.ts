import { describe, expect, it } from 'vitest'
import type { LayerCrash } from '../../core/ports/index-port.ts'
import { beat, createWorld, DEATH, type IndexHarness, report, type World } from './index-harness.ts'

export function quarantineContract(harness: () => IndexHarness): void {
  const replayed = (tick: number): LayerCrash => ({ tick, replayed: true })
  const played = (tick: number): LayerCrash => ({ tick, replayed: false })

  /** Serves layer 0, or claims it only, and gives it up, as often as there are crashes. */
  async function crash(world: World, crashes: readonly (LayerCrash | undefined)[], served = false): Promise<void> {
    const { index, fleet } = world
    for (const one of crashes) {
      let view = await index.placeLayer(fleet, world.layer(0))
      while (view.state === 'Wished') {
        await world.live(1, [beat('a')])
        view = await index.placeLayer(fleet, world.layer(0))
      }
      if (served) await world.serve(world.layer(0), view.epoch + 1, 3)
      await index.failLayer(fleet, world.layer(0), 'a', view.generation, `tick ${one?.tick}`, one)
    }
  }

  const rows: readonly (readonly [string, readonly (LayerCrash | undefined)[], boolean, 'Wished' | 'Quarantined'])[] = [
    ['twice on the same entry', [replayed(7), replayed(7)], false, 'Wished'],
    ['three times on the same entry', [replayed(7), replayed(7), replayed(7)], false, 'Quarantined'],
    ['on another entry each time', [replayed(7), replayed(8), replayed(7)], false, 'Wished'],
    ['given up for other reasons in between', [replayed(7), undefined, replayed(7), undefined, replayed(7)], false, 'Quarantined'],
    ['given up for other reasons alone', [undefined, undefined, undefined, undefined], false, 'Wished'],
    ['in play, at whichever tick, though it was served each time', [played(7), played(90), played(91)], true, 'Quarantined'],
    ['in play and on an entry', [played(7), played(8), replayed(8)], true, 'Wished'],
  ]

  describe('a layer that crashes', () => {
    it.each(rows)('%s', async (_, crashes, served, state) => {
      const world = createWorld(harness())
      await world.register('a')
      await crash(world, crashes, served)
      expect(await world.index.getLayer(world.fleet, world.layer(0))).toMatchObject({ state, host: undefined, players: 0 })
    })

    it('now and then, long apart, goes on', async () => {
      const world = createWorld(harness())
      await world.register('a')
      for (const tick of [7, 8, 9, 10]) {
        await crash(world, [played(tick)], true)
        await world.advance(12_000_000)
        await world.register('a', 4)
      }
      expect((await world.index.getLayer(world.fleet, world.layer(0))).state).not.toBe('Quarantined')
    })

    it('is not placed, joined, swept or asked to close while it is quarantined; the others of its zone are', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await crash(world, [replayed(7), replayed(7), replayed(7)])
      const aside = { state: 'Quarantined', failure: 'tick 7', host: undefined, generation: 3 }
      expect(await index.placeLayer(fleet, world.layer(0))).toMatchObject(aside)
      const asked = { id: 't', account: 'a', character: 'c', ttlMs: 1_500_000 }
      expect(await index.joinLayer(fleet, world.layer(0), asked)).toMatchObject({ ...aside, ticketed: false })
      await index.requestClose(fleet, world.layer(0), 'ScaleDown')
      expect(await index.sweep(fleet)).toBe(0)
      await world.register('b')
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject(aside)
      expect(await world.serve(world.layer(1))).toMatchObject({ state: 'Serving' })
      expect((await index.fleetView(fleet)).layers.map(({ state }) => state)).toEqual(['Quarantined', 'Serving'])
    })

    it('is tried again when somebody asks for it, as often as at first', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await index.retryLayer(fleet, world.layer(0))
      await crash(world, [replayed(7), replayed(7), replayed(7)])
      await index.retryLayer(fleet, world.layer(0))
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Assigned', host: 'a', generation: 4 })
      await index.retryLayer(fleet, world.layer(0))
      await crash(world, [replayed(7), replayed(7)])
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Wished' })
      await crash(world, [replayed(7)])
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Quarantined' })
      await index.retryLayer(fleet, world.layer(0))
      expect(await world.serve(world.layer(0), 9)).toMatchObject({ state: 'Serving', failure: undefined })
    })

    it('of a barred zone is forgotten with it, and sleeps when it is tried again', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await crash(world, [replayed(7), replayed(7), replayed(7)])
      await index.barZone(fleet, world.zone, 'Suspend')
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Barred' })
      await index.unbarZone(fleet, world.zone)
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Quarantined' })
      await index.barZone(fleet, world.zone, 'Delete')
      await index.retryLayer(fleet, world.layer(0))
      await index.unbarZone(fleet, world.zone)
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Asleep' })
      await crash(world, [replayed(7), replayed(7), replayed(7)])
      await index.barZone(fleet, world.zone, 'Delete')
      await index.forgetZone(fleet, world.zone)
      expect((await index.fleetView(fleet)).layers).toEqual([])
    })

    it('that was closed in order begins to count anew', async () => {
      const world = createWorld(harness())
      const { index, fleet } = world
      await world.register('a')
      await crash(world, [played(7), played(8)], true)
      await world.live(1, [beat('a')])
      const { generation } = await world.serve(world.layer(0), 20)
      await index.closeLayer(fleet, world.layer(0), 'a', generation)
      await crash(world, [played(9)], true)
      expect(await index.getLayer(fleet, world.layer(0))).toMatchObject({ state: 'Wished' })
    })
  })

  describe('a layer whose hosts die', () => {
    /** So many hosts in a row die: while they claim the layer, or serve it. Answers the states in which it then was. */
    async function deaths(world: World, states: readonly ('Claiming' | 'Serving')[]): Promise<string[]> {
      const { index, fleet } = world
      const seen: string[] = []
      let n = 0
      for (const state of states) {
        const host = `h${n++}`
        await world.register(host)
        let view = await index.placeLayer(fleet, world.layer(0))
        while (view.state === 'Wished') {
          await world.live(1, [beat(host)])
          view = await index.placeLayer(fleet, world.layer(0))
        }
        await index.heartbeat(fleet, beat(host, [report(world.layer(0), view.generation, state === 'Serving' ? view.epoch + 1 : 0, state)]))
        await world.live(DEATH)
        await index.sweep(fleet)
        seen.push((await index.getLayer(fleet, world.layer(0))).state)
      }
      return seen
    }

    it('while they claim it, is quarantined after five', async () => {
      const world = createWorld(harness())
      const claiming = ['Claiming', 'Claiming', 'Claiming', 'Claiming', 'Claiming'] as const
      expect(await deaths(world, claiming)).toEqual(['Wished', 'Wished', 'Wished', 'Wished', 'Quarantined'])
      expect((await world.index.getLayer(world.fleet, world.layer(0))).failure).toBe(
        '5 hosts in a row died while they brought it back; the last: host h4 sends no heartbeat',
      )
    })

    it.each([
      ['two layers', 2, 0, 0],
      ['eight, the one that kills last', 8, 7, 0],
      ['eight, and no host for so long that the turns of all have come', 8, 7, 60],
    ])('while they claim it, is quarantined alone: who died with it is claimed by turns. %s', async (_, count, kills, away) => {
      const world = createWorld(harness())
      const { index, fleet } = world
      const layers = Array.from({ length: count }, (_one, n) => world.layer(n))
      const look = () => Promise.all(layers.map((layer) => index.getLayer(fleet, layer)))
      const together: number[] = []
      for (let n = 0; n < 5; n++) {
        const host = `h${n}`
        await world.register(host, count)
        if (n === 0) for (const layer of layers) await index.placeLayer(fleet, layer)
        for (let steps = 0; ; steps++) {
          expect(steps).toBeLessThan(100)
          const assigned = (await look()).filter(({ state }) => state === 'Assigned')
          const dies = assigned.some(({ layer }) => layer === layers[kills])
          const reports = assigned.map(({ layer, generation, epoch }) =>
            report(layer, generation, epoch + 1, dies ? 'Claiming' : 'Serving'),
          )
          await index.heartbeat(fleet, beat(host, reports))
          if (dies) together.push(assigned.length)
          if (dies) break
          await world.live(1, [beat(host)])
          await index.sweep(fleet)
        }
        await world.live(DEATH)
        await index.sweep(fleet)
        if (n === 1) await world.live(away)
      }
      expect(together).toEqual([count, count, 1, 1, 1])
      const seen = await look()
      expect(seen.map(({ state }) => state)).toEqual(layers.map((_layer, n) => (n === kills ? 'Quarantined' : 'Wished')))
      await world.register('last', count)
      for (const [n, layer] of layers.entries()) if (n !== kills) await world.serve(layer, 100)
    })

    it('while they serve it, is placed again and again', async () => {
      const world = createWorld(harness())
      const states = ['Claiming', 'Claiming', 'Claiming', 'Serving', 'Serving', 'Serving', 'Claiming', 'Claiming', 'Serving'] as const
      expect(await deaths(world, states)).not.toContain('Quarantined')
    })
  })
}
