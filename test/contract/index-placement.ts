import { describe, expect, it } from 'vitest'
import type { LayerId } from '../../core/ids.ts'
import type { HostLoad } from '../../core/ports/index-port.ts'
import { beat, createWorld, type IndexHarness, registration, report, ticket, type World } from './index-harness.ts'

interface HostSketch {
  readonly name: string
  readonly capacity?: number
  /** The players of each layer that it serves. */
  readonly layers?: readonly number[]
  readonly outdated?: boolean
  readonly draining?: boolean
  readonly load?: HostLoad
  /** Not heard of for longer than a host may be silent. */
  readonly silent?: boolean
}

const choices: readonly (readonly [string, readonly HostSketch[], string | undefined])[] = [
  ['no host at all', [], undefined],
  ['the only one', [{ name: 'a' }], 'a'],
  ['the most layers, whoever plays there', [{ name: 'a', layers: [6] }, { name: 'b', layers: [9, 3] }, { name: 'c' }], 'b'],
  [
    'of equally many layers the fewest players',
    [
      { name: 'a', layers: [9] },
      { name: 'b', layers: [3] },
      { name: 'c', layers: [7] },
    ],
    'b',
  ],
  ['of equally many players the first name', [{ name: 'c' }, { name: 'b' }, { name: 'd' }], 'b'],
  ['not one with as many players as it can bear', [{ name: 'a', layers: [600, 500] }, { name: 'b' }], 'b'],
  ['not one whose processor is busy', [{ name: 'a', layers: [1], load: { cpu: 700, lateness: 0 } }, { name: 'b' }], 'b'],
  ['not one whose ticks are late', [{ name: 'a', layers: [1], load: { cpu: 0, lateness: 300 } }, { name: 'b' }], 'b'],
  ['none, when all have as much to do as they can bear', [{ name: 'a', load: { cpu: 900, lateness: 0 } }], undefined],
  ['an empty layer counts more than none', [{ name: 'a' }, { name: 'b', layers: [0] }], 'b'],
  [
    'not a full one',
    [
      { name: 'a', capacity: 1, layers: [0] },
      { name: 'b', layers: [9] },
    ],
    'b',
  ],
  [
    'not an outdated one',
    [
      { name: 'a', outdated: true },
      { name: 'b', layers: [9] },
    ],
    'b',
  ],
  [
    'not a draining one',
    [
      { name: 'a', draining: true },
      { name: 'b', layers: [9] },
    ],
    'b',
  ],
  [
    'not a silent one',
    [
      { name: 'a', silent: true },
      { name: 'b', layers: [9] },
    ],
    'b',
  ],
  [
    'none of those that may not',
    [
      { name: 'a', silent: true },
      { name: 'b', draining: true },
      { name: 'c', capacity: 0 },
    ],
    undefined,
  ],
]

async function draw(world: World, sketches: readonly HostSketch[]): Promise<void> {
  const { index, fleet } = world
  let n = 100
  for (const { name, capacity = 4, layers = [], draining = false } of sketches) {
    const serving = layers.map((players) => report(`game/drawn-${n++}/0`, 1, 1, 'Serving', players))
    await index.registerHost(fleet, registration(name, capacity), serving)
    if (draining) await index.drainHost(fleet, name)
  }
  const heard = sketches.filter((sketch) => sketch.silent !== true)
  await world.live(
    3,
    heard.map((sketch) =>
      beat(sketch.name, [], { outdated: sketch.outdated ?? false, ...(sketch.load === undefined ? {} : { load: sketch.load }) }),
    ),
  )
}

export function placementContract(harness: () => IndexHarness): void {
  describe('placement', () => {
    it.each(choices)('chooses %s', async (_, sketches, chosen) => {
      const world = createWorld(harness())
      await draw(world, sketches)
      const placed = await world.index.placeLayer(world.fleet, world.layer(0))
      expect(placed).toMatchObject({
        state: chosen === undefined ? 'Wished' : 'Assigned',
        host: chosen,
        generation: chosen === undefined ? 0 : 1,
      })
    })

    it('answers a layer that has its host as it is, with what a client needs', async () => {
      const world = createWorld(harness())
      await world.register('a')
      const placed = await world.index.placeLayer(world.fleet, world.layer(0))
      expect(placed).toMatchObject({ state: 'Assigned', host: 'a', node: 'node-a', endpoints: ['10.0.0.1:7001'], generation: 1, epoch: 0 })
      await world.register('aa')
      expect(await world.index.placeLayer(world.fleet, world.layer(0))).toEqual(placed)
      const served = await world.serve(world.layer(0), 7, 3)
      expect(served).toMatchObject({
        state: 'Serving',
        host: 'a',
        generation: 1,
        epoch: 7,
        players: 3,
        closeRequested: undefined,
        failure: undefined,
      })
      expect(await world.index.placeLayer(world.fleet, world.layer(0))).toEqual(served)
    })

    it('spreads the layers of a zone over nodes, and packs those of different zones', async () => {
      const world = createWorld(harness())
      const other = createWorld(harness())
      for (const [name, node] of [
        ['a', 'n1'],
        ['b', 'n1'],
        ['c', 'n2'],
      ] as const)
        await world.index.registerHost(world.fleet, { ...registration(name), node })
      const hosts: (string | undefined)[] = []
      for (const layer of [world.layer(0), world.layer(1), other.layer(0), other.layer(1), world.layer(2)])
        hosts.push((await world.index.placeLayer(world.fleet, layer)).host)
      expect(hosts).toEqual(['a', 'c', 'a', 'c', 'a'])
    })

    it('takes the host that gave a layer up last of all, even before one on the same node as another layer', async () => {
      const world = createWorld(harness())
      for (const name of ['a', 'b']) await world.index.registerHost(world.fleet, { ...registration(name), node: 'n1' })
      await world.serve(world.layer(1))
      expect(await world.index.placeLayer(world.fleet, world.layer(0))).toMatchObject({ host: 'a' })
      await world.index.failLayer(world.fleet, world.layer(0), 'a', 1, 'not here')
      expect(await world.index.placeLayer(world.fleet, world.layer(0))).toMatchObject({ host: 'b' })
    })

    it('fills a host up to its capacity, in assignments', async () => {
      const world = createWorld(harness())
      await world.register('a', 2)
      await world.register('b', 1)
      const hosts: (string | undefined)[] = []
      for (let n = 0; n < 4; n += 1) hosts.push((await world.index.placeLayer(world.fleet, `game/full-${n}/0`)).host)
      expect(hosts).toEqual(['a', 'a', 'b', undefined])
    })

    it('answers a layer that was never placed as asleep, and records nothing of it', async () => {
      const world = createWorld(harness())
      expect(await world.index.getLayer(world.fleet, world.layer(0))).toMatchObject({ state: 'Asleep', generation: 0, endpoints: [] })
      expect(await world.index.fleetView(world.fleet)).toMatchObject({ hosts: [], layers: [], barred: [] })
    })

    it('gives the same choice for the same state', async () => {
      const seen = new Set<string | undefined>()
      for (let round = 0; round < 3; round += 1) {
        const world = createWorld(harness())
        await draw(world, [
          { name: 'c', layers: [2, 3] },
          { name: 'a', layers: [4] },
          { name: 'b', layers: [1, 3] },
        ])
        seen.add((await world.index.placeLayer(world.fleet, world.layer(0))).host)
      }
      expect([...seen]).toEqual(['b'])
    })
  })

  describe('wishes', () => {
    const wishes = async (world: World, count: number): Promise<LayerId[]> => {
      const layers = Array.from({ length: count }, (_, n) => world.layer(count - n))
      for (const layer of layers) {
        expect(await world.index.placeLayer(world.fleet, layer)).toMatchObject({ state: 'Wished' })
        await world.advance(1_000)
      }
      return layers
    }
    const states = async (world: World, layers: readonly LayerId[]): Promise<string[]> => {
      const views = await Promise.all(layers.map((layer) => world.index.getLayer(world.fleet, layer)))
      return views.map((view) => view.state)
    }

    it('are placed when a host registers, the oldest first', async () => {
      const world = createWorld(harness())
      const layers = await wishes(world, 3)
      await world.index.placeLayer(world.fleet, world.layer(3))
      await world.register('a', 2)
      expect(await states(world, layers)).toEqual(['Assigned', 'Assigned', 'Wished'])
    })

    it('are placed at once when a slot gets free', async () => {
      const world = createWorld(harness())
      await world.register('a', 1)
      const served = await world.serve(world.layer(9))
      const [first, second] = await wishes(world, 2)
      expect(await world.index.sweep(world.fleet)).toBe(0)
      expect(await world.index.closeLayer(world.fleet, served.layer, 'a', served.generation)).toBe('ok')
      expect(await states(world, [first ?? served.layer, second ?? served.layer])).toEqual(['Assigned', 'Wished'])
    })

    it('are placed by the heartbeat of a host that may be given layers again', async () => {
      const world = createWorld(harness())
      await world.register('a')
      const { layer } = await world.serve(world.layer(9))
      await world.index.heartbeat(world.fleet, beat('a', [report(layer, 1, 1)], { outdated: true }))
      const [wished] = await wishes(world, 1)
      const answer = await world.index.heartbeat(world.fleet, beat('a', [report(layer, 1, 1)]))
      expect(answer.layers).toContainEqual({ layer: wished, generation: 1, closeRequested: undefined })
    })

    it('are bounded by the limit of a sweep', async () => {
      const world = createWorld(harness())
      await world.register('a', 4)
      await world.index.heartbeat(world.fleet, beat('a', [], { outdated: true }))
      await wishes(world, 3)
      await world.index.drainHost(world.fleet, 'a')
      await world.register('b', 2)
      await world.register('a', 4, 'b')
      expect(await world.index.sweep(world.fleet, 1)).toBe(0)
      expect((await world.index.fleetView(world.fleet)).layers.every((layer) => layer.state === 'Assigned')).toBe(true)
    })

    it('of one zone do not hold up those of others', async () => {
      const world = createWorld(harness())
      const other = createWorld(harness())
      for (let n = 0; n < 3; n += 1) await world.index.placeLayer(world.fleet, world.layer(n))
      await world.index.placeLayer(world.fleet, other.layer(0))
      await world.register('a', 2)
      expect(await states(world, [world.layer(0), world.layer(1), world.layer(2), other.layer(0)])).toEqual([
        'Assigned',
        'Wished',
        'Wished',
        'Assigned',
      ])
    })

    it('are told their place, and what is before them is placed first', async () => {
      const world = createWorld(harness())
      const [first, second] = await wishes(world, 2)
      if (first === undefined || second === undefined) throw new Error('two wishes')
      const early = await world.index.joinLayer(world.fleet, second, ticket('early'))
      expect(early.queue).toEqual({ place: 2, length: 2, expectedMs: expect.any(Number) })
      await world.register('a', 1)
      const later = await world.index.joinLayer(world.fleet, second, ticket('later'))
      expect(later).toMatchObject({ state: 'Wished', queue: { place: 1, length: 1 } })
      await world.index.closeLayer(world.fleet, first, 'a', 1)
      const placed = await world.index.joinLayer(world.fleet, second, ticket('placed'))
      expect(placed).toMatchObject({ state: 'Assigned', host: 'a', ticketed: true })
      expect(placed.queue).toBe(undefined)
    })

    it('are let in up to a bound; a layer that lost its host is let in always', async () => {
      const world = createWorld(harness())
      await world.register('a', 1)
      const served = await world.serve(world.layer(50))
      await wishes(world, 12)
      const refused = await world.index.joinLayer(world.fleet, world.layer(13), ticket('refused'))
      expect(refused).toMatchObject({ state: 'Asleep', ticketed: false, queue: { length: 12 } })
      expect(refused.queue?.place).toBe(undefined)
      await world.index.removeHost(world.fleet, 'a')
      expect(await world.index.getLayer(world.fleet, served.layer)).toMatchObject({ state: 'Wished' })
    })

    it('keep their place in the queue when they are asked for again, and give no ticket', async () => {
      const world = createWorld(harness())
      const [first, second] = await wishes(world, 2)
      if (first === undefined || second === undefined) throw new Error('two wishes')
      const joined = await world.index.joinLayer(world.fleet, first, ticket('early'))
      expect(joined).toMatchObject({ state: 'Wished', ticketed: false })
      await world.register('a', 1)
      expect(await states(world, [first, second])).toEqual(['Assigned', 'Wished'])
    })
  })
}
