import type { ZoneSpec } from '../../../core/zone.ts'
import type { World } from './world.ts'

export interface Step {
  /** What people, players or Agones do. */
  readonly act: (world: World) => Promise<unknown>
  /** What they wait for before they go on. */
  readonly until: (world: World) => Promise<void>
}

const always = (extra: Partial<ZoneSpec> = {}): Partial<ZoneSpec> => ({ activation: 'Always', layers: { min: 2, max: 2 }, ...extra })
const onDemand: Partial<ZoneSpec> = { activation: 'OnDemand', idleAfter: '1s' }

const apply = (spec: Partial<ZoneSpec>, phase: string, name = 'meadow'): Step => ({
  act: (world) => world.apply(name, spec),
  until: (world) => world.shows(name, phase),
})

const open = async (world: World, count: number): Promise<boolean> => {
  const { layers } = await world.index.fleetView(world.fleet('zone-servers'))
  return layers.filter(({ state }) => state === 'Serving').length === count
}
const settles =
  (count: number) =>
  async (world: World): Promise<void> => {
    await world.until(`${count} layers to be served`, () => open(world, count))
    await world.shows('meadow', count === 0 ? 'Sleeping' : 'Running')
  }

const join: Step = {
  act: (world) =>
    world.untilIndex(async () => {
      const { host } = await world.index.placeLayer(world.fleet('zone-servers'), world.layer('meadow'))
      for (const each of world.hosts.values()) each.players.set(world.layer('meadow'), 3)
      return host
    }),
  until: settles(1),
}
const leave: Step = {
  act: async (world) => {
    for (const each of world.hosts.values()) each.players.clear()
  },
  until: settles(0),
}
const remove: Step = { act: (world) => world.delete('meadow'), until: (world) => world.gone('meadow') }

/** What is tried under every fault. The names are those of the plans in the log. */
export const scenarios: Readonly<Record<string, readonly Step[]>> = {
  create: [apply(always(), 'Running'), apply({}, 'Sleeping', 'forest')],
  scale: [
    apply(always({ layers: { min: 1, max: 3 }, idleAfter: '1s' }), 'Running'),
    { ...apply(always({ layers: { min: 3, max: 3 }, idleAfter: '1s' }), 'Running'), until: settles(3) },
    { ...apply(always({ layers: { min: 1, max: 1 }, idleAfter: '1s' }), 'Running'), until: settles(1) },
  ],
  update: [
    apply(always(), 'Running'),
    apply(always({ tickRate: 30, idleAfter: '7m' }), 'Running'),
    apply(always({ tickRate: 10, layers: { min: 2, max: 2, maxPlayers: 17 } }), 'Running'),
  ],
  drain: [
    apply(always(), 'Running'),
    {
      act: (world) => world.shutDown('h1'),
      until: (world) =>
        world.until('h2 to have it all', async () => {
          const { layers } = await world.index.fleetView(world.fleet('zone-servers'))
          return layers.length === 2 && layers.every(({ host, state }) => host === 'h2' && state === 'Serving')
        }),
    },
  ],
  delete: [apply(always({ retention: 'Delete' }), 'Running'), remove, apply(always(), 'Running')],
  wake: [apply(onDemand, 'Sleeping'), join],
  sleep: [apply(onDemand, 'Sleeping'), join, leave],
  suspend: [apply(always(), 'Running'), apply(always({ suspend: true }), 'Suspended'), apply(always(), 'Running')],
  fleet: [apply(always(), 'Running'), apply(always({ fleet: 'fast' }), 'Running'), apply(always(), 'Running')],
  dedicated: [
    apply({ dedicated: { from: 'zone-servers' } }, 'Sleeping'),
    apply(always({ fleet: 'fast' }), 'Running'),
    { act: (world) => world.apply('forest', {}), until: (world) => world.shows('forest', 'Sleeping') },
  ],
}
