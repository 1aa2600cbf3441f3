import { describe, expect, it } from 'vitest'
import type { LayerId } from '../../core/ids.ts'
import type { FleetNews, LayerView } from '../../core/ports/index-port.ts'
import { smallZone } from '../zone-settings.ts'
import { beat, createWorld, type IndexHarness, registration, report, rules, type World } from './index-harness.ts'

/** A copy of a fleet's layers as whoever reads the news keeps it. */
function createCopy(world: World) {
  const layers = new Map<LayerId, LayerView>()
  let position: string | undefined
  return {
    layers,
    async read(counts = false): Promise<FleetNews> {
      const news = await world.index.fleetNews(world.fleet, position, counts)
      position = news.position
      if (news.whole) layers.clear()
      for (const view of news.layers) layers.set(view.layer, view)
      for (const layer of news.gone) layers.delete(layer)
      return news
    },
  }
}

/** A layer that nobody ever hosted is `since` the moment of the read. */
const truth = async (world: World): Promise<readonly LayerView[]> => (await world.index.fleetView(world.fleet)).layers
const sorted = (layers: ReadonlyMap<LayerId, LayerView>): readonly LayerView[] =>
  [...layers.values()].sort((a, b) => (a.layer < b.layer ? -1 : 1))

function fleetNewsContract(harness: () => IndexHarness): void {
  it('of a fleet: everything first, then what changed, and a copy kept by it is the truth after every step', async () => {
    const world = createWorld(harness())
    const { index, fleet, zone } = world
    const [a, b] = [world.layer(0), world.layer(1)]
    await world.register('h')
    await world.serve(a, 1, 3)
    const copy = createCopy(world)
    expect(await copy.read()).toMatchObject({ whole: true, gone: [], players: undefined })
    const steps: readonly (readonly [string, () => Promise<unknown>, readonly LayerId[]])[] = [
      ['nothing', async () => undefined, []],
      ['another layer', () => world.serve(b, 1, 0), [b]],
      ['a host says where it is', () => index.registerHost(fleet, { ...registration('h'), endpoints: ['10.9.9.9:1'] }), [a, b]],
      ['asked to close', () => index.requestClose(fleet, b, 'ScaleDown'), [b]],
      ['closing', () => index.beginClose(fleet, b, 'h', 1, true), [b]],
      ['closed', () => index.closeLayer(fleet, b, 'h', 1), [b]],
      ['barred', () => index.barZone(fleet, zone, 'Suspend'), [a, b]],
      ['unbarred', () => index.unbarZone(fleet, zone), [a, b]],
    ]
    for (const [name, step, changed] of steps) {
      await step()
      const news = await copy.read()
      expect([name, news.whole], name).toEqual([name, false])
      expect(new Set(news.layers.map((view) => view.layer)), name).toEqual(new Set(changed))
      expect(sorted(copy.layers), name).toEqual(await truth(world))
    }
  })

  it('of a fleet: a dropped layer is gone', async () => {
    const world = createWorld(harness())
    const { index, fleet, zone } = world
    const layer = world.layer(0)
    await world.register('h')
    await world.serve(layer)
    const copy = createCopy(world)
    await copy.read()
    await index.barZone(fleet, zone, 'Delete')
    await index.closeLayer(fleet, layer, 'h', 1)
    await index.forgetZone(fleet, zone)
    expect(await copy.read(true)).toMatchObject({ whole: false, layers: [], gone: [layer], players: new Map() })
  })

  it('of a fleet: players by layer when asked for, without a change that is told', async () => {
    const world = createWorld(harness())
    const { index, fleet } = world
    const [a, b] = [world.layer(0), world.layer(1)]
    await world.register('h')
    await world.serve(a, 1, 3)
    await world.serve(b, 1, 0)
    const copy = createCopy(world)
    expect((await copy.read(true)).players).toEqual(new Map([[a, 3]]))
    await index.heartbeat(fleet, beat('h', [report(a, 1, 1, 'Serving', 0), report(b, 1, 1, 'Serving', 7)]))
    expect(await copy.read(true)).toMatchObject({ whole: false, layers: [], players: new Map([[b, 7]]) })
    await index.closeLayer(fleet, b, 'h', 1)
    expect((await copy.read(true)).players).toEqual(new Map())
  })

  it('of a fleet: hosts and bars when asked for, of the moment of the changes', async () => {
    const world = createWorld(harness())
    const { index, fleet, zone } = world
    const first = await index.fleetNews(fleet, undefined, false, true)
    expect(first).toMatchObject({ hosts: [], barred: [] })
    await world.register('h')
    await world.serve(world.layer(0), 1, 2)
    await index.barZone(fleet, zone, 'Suspend')
    const news = await index.fleetNews(fleet, first.position, false, true)
    const { hosts, barred } = await index.fleetView(fleet)
    expect([news.hosts, news.barred]).toEqual([hosts, barred])
    expect(news).toMatchObject({ hosts: [{ name: 'h', players: 2 }], barred: [zone] })
    // A bar alone is no change of a layer, and is told all the same.
    await index.unbarZone(fleet, zone)
    await index.barZone(fleet, `${zone}-other`, 'Delete')
    expect((await index.fleetNews(fleet, news.position, false, true)).barred).toEqual([`${zone}-other`])
    expect(await index.fleetNews(fleet, news.position, true)).toMatchObject({ hosts: undefined, barred: undefined })
  })

  it('of a fleet: everything again after a flush, and when more changed than is kept', async () => {
    const world = createWorld(harness())
    const { index, fleet } = world
    await world.register('h')
    await world.serve(world.layer(0), 1, 3)
    const copy = createCopy(world)
    await copy.read()
    await world.flush()
    await world.register('x')
    expect(await copy.read(true)).toMatchObject({ whole: true, layers: [], players: new Map() })
    await world.serve(world.layer(1))
    // Far more than changesKept: a driver may keep more of them, in pieces.
    for (let i = 0; i < ((rules.changesKept ?? 0) + 110) * 1.5; i++) {
      await index.heartbeat(fleet, beat('x', [report(world.layer(1), 1, 1, 'Serving', 0, i % 2 === 0)]))
    }
    expect((await copy.read()).whole).toBe(true)
    expect(sorted(copy.layers)).toEqual(await truth(world))
  })
}

export function newsContract(harness: () => IndexHarness): void {
  describe('news', () => {
    fleetNewsContract(harness)

    it('of zones: everything first, then settings put and zones gone', async () => {
      const { index } = harness()
      const world = createWorld(harness())
      const [meadow, forest] = [`${world.zone}-a`, `${world.zone}-b`] as const
      await index.putZone(smallZone({ zone: meadow, uid: 'u', generation: 1 }))
      const first = await index.zoneNews(undefined)
      expect(first.whole).toBe(true)
      expect(first.settings.map(({ zone }) => zone)).toContain(meadow)
      const put = smallZone({ zone: forest, uid: 'u', generation: 1 })
      await index.putZone(put)
      await index.deleteZone(meadow, 'u')
      const second = await index.zoneNews(first.position)
      expect(second).toMatchObject({ whole: false, settings: [put], gone: [meadow] })
      expect(await index.zoneNews(second.position)).toMatchObject({ position: second.position, whole: false, settings: [], gone: [] })
      await world.flush()
      await index.putZone(put)
      expect(await index.zoneNews(second.position)).toMatchObject({ whole: true, settings: [put] })
      expect((await index.zoneNews('no position')).whole).toBe(true)
    })
  })
}
