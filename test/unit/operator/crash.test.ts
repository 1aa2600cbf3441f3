import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { FleetId, ZoneId } from '../../../core/ids.ts'
import type { ZoneSpec } from '../../../core/zone.ts'
import { World } from './world/world.ts'

const bounds = { min: { x: 0, y: 0 }, max: { x: 100, y: 100 } }
const FLEETS: readonly FleetId[] = ['game/zone-servers', 'game/fast', 'game/zone-meadow']
const ZONES: readonly ZoneId[] = ['game/meadow', 'game/forest']
const template = { spec: { template: { spec: { containers: [{ name: 'zone-server', image: 'x:1' }] } } } }
const spec = (extra: Partial<ZoneSpec> = {}): ZoneSpec => ({ bounds, activation: 'Always', layers: { min: 2, max: 2 }, ...extra })

/** What people do to zones, one step after another; between two steps everything comes to rest. */
const scenarios: Readonly<Record<string, readonly ((world: World) => void)[]>> = {
  'apply, suspend, open again': [
    ({ api }) => api.apply('meadow', spec()),
    ({ api }) => api.apply('meadow', spec({ suspend: true })),
    ({ api }) => api.apply('meadow', spec()),
  ],
  'apply, move to another fleet and back': [
    ({ api }) => api.apply('meadow', spec()),
    ({ api }) => api.apply('meadow', spec({ fleet: 'fast' })),
    ({ api }) => api.apply('meadow', spec()),
  ],
  'apply, shrink, delete with its data, make anew': [
    ({ api }) => api.apply('meadow', spec({ retention: 'Delete' })),
    ({ api }) => api.apply('meadow', spec({ retention: 'Delete', layers: { min: 1, max: 1 } })),
    ({ api }) => api.delete('game/meadow'),
    ({ api }) => api.apply('meadow', spec()),
  ],
  'content comes, changes and goes, with a neighbour': [
    ({ api }) => {
      api.applyConfigMap('game/meadow', { 'content.yaml': 'spawns: [{ x: 1, y: 1 }]' })
      api.apply('meadow', spec({ content: { configMap: 'meadow' }, neighbours: ['forest'] }))
      api.apply('forest', { bounds, neighbours: ['meadow'] })
    },
    ({ api }) => api.applyConfigMap('game/meadow', { 'content.yaml': 'spawns: [{ x: 2, y: 2 }]' }),
    ({ api }) => {
      api.apply('meadow', spec({ neighbours: ['forest'] }))
      api.delete('game/forest')
    },
  ],
  'a dedicated fleet is asked for, given up, and everything deleted': [
    ({ api }) => {
      api.apply('meadow', spec({ dedicated: { from: 'zone-servers' } }))
      api.apply('forest', { bounds })
    },
    ({ api }) => api.apply('meadow', spec({ fleet: 'fast' })),
    ({ api }) => {
      api.delete('game/meadow')
      api.delete('game/forest')
    },
  ],
}

const REST_MS = 4_000
/** Longer than a step: the next thing that people do is done while nobody operates. */
const DOWN_MS = 6_000

interface Ending {
  readonly end: unknown
  readonly outcome: unknown
  readonly writes: number
  readonly lives: number
}

async function run(steps: readonly ((world: World) => void)[], diesAt?: number, downFor?: number): Promise<Ending> {
  const world = await World.create()
  try {
    world.api.addFleet('game/zone-servers', { template }, { name: 'a', spec: { fleetName: 'zone-servers' } })
    world.api.addFleet('game/fast')
    await world.addHost('game/zone-servers', 'h1')
    await world.addHost('game/fast', 'f1')
    await world.addHost('game/zone-meadow', 'm1')
    await world.startOperator(diesAt, downFor)
    for (const step of steps) {
      // A name that is still being deleted can't be used again, and people see that.
      while (world.isDeleting()) await world.pass(1_000)
      step(world)
      await world.pass(REST_MS)
    }
    if (downFor !== undefined) await world.pass(DOWN_MS + REST_MS)
    const end = await world.endState(FLEETS, ZONES)
    return { end, outcome: await world.outcome(FLEETS), writes: world.life.writes, lives: world.lives }
  } finally {
    await world.end()
  }
}

describe('the operator killed between any two writes', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000 }))
  afterEach(() => void vi.useRealTimers())

  test.each(Object.entries(scenarios))('%s: the same end, whichever write was its last', { timeout: 90_000 }, async (_name, steps) => {
    const undisturbed = await run(steps)
    expect(undisturbed.lives).toBe(1)
    expect(undisturbed.writes).toBeGreaterThan(10)
    for (let last = 1; last <= undisturbed.writes; last++) {
      const disturbed = await run(steps, last)
      expect({ last, lives: disturbed.lives }).toEqual({ last, lives: 2 })
      expect({ last, end: disturbed.end }).toEqual({ last, end: undisturbed.end })
      if (last % 3 !== 0) continue
      const absent = await run(steps, last, DOWN_MS)
      expect({ last, outcome: absent.outcome }).toEqual({ last, outcome: undisturbed.outcome })
    }
  })
})
