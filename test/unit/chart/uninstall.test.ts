import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import type { FleetId, LayerId } from '../../../core/ids.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { HEARTBEAT_EVERY, HOST_DEAD_AFTER } from '../../../core/timing.ts'
import { ZONE_FINALIZER, type Zone } from '../../../core/zone.ts'
import { type UninstallCluster, uninstall } from '../../../operator/uninstall-steps.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'

const fleet: FleetId = 'game/zone-servers'

function zoneOf(name: string, extra: { dedicated?: { from: string }; retention?: 'Retain' | 'Delete'; deleting?: boolean } = {}): Zone {
  const { deleting, ...spec } = extra
  return {
    apiVersion: 'bailiwick.dev/v1alpha1',
    kind: 'Zone',
    metadata: {
      name,
      namespace: 'game',
      uid: `uid-${name}`,
      generation: 1,
      finalizers: [ZONE_FINALIZER],
      ...(deleting === true ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: { bounds: { min: { x: 0, y: 0 }, max: { x: 10, y: 10 } }, ...spec },
  }
}

/** A cluster in memory whose operator, while it runs, finishes deletions. A test double. */
class MemoryCluster implements UninstallCluster {
  readonly zones = new Map<string, Zone>()
  readonly done: string[] = []
  operator: 'runs' | 'hangs' | 'stopped'

  constructor(zones: readonly Zone[], operator: 'runs' | 'hangs' = 'runs') {
    for (const zone of zones) this.zones.set(zone.metadata.name, zone)
    this.operator = operator
  }

  async listZones(): Promise<readonly Zone[]> {
    const answer = [...this.zones.values()]
    if (this.operator === 'runs')
      for (const zone of answer) if (zone.metadata.deletionTimestamp !== undefined) this.zones.delete(zone.metadata.name)
    return answer
  }

  async listFleets(): Promise<readonly FleetId[]> {
    return [fleet]
  }

  async deleteZone(zone: Zone): Promise<void> {
    this.zones.set(zone.metadata.name, { ...zone, metadata: { ...zone.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } })
  }

  async freeZone(zone: Zone): Promise<void> {
    expect(this.operator).toBe('stopped')
    this.done.push(`free ${zone.metadata.name}`)
    if (zone.metadata.deletionTimestamp !== undefined) this.zones.delete(zone.metadata.name)
    else this.zones.set(zone.metadata.name, { ...zone, metadata: { ...zone.metadata, finalizers: [] } })
  }

  async deleteDedicatedFleet(zone: Zone): Promise<void> {
    this.done.push(`delete fleet of ${zone.metadata.name}`)
  }

  async stopOperator(): Promise<void> {
    this.operator = 'stopped'
    this.done.push('stop operator')
  }

  async forgetOperator(): Promise<void> {
    this.done.push('forget operator')
  }
}

/** A host that serves `layers`, and closes what it is asked to close when `obeys`. */
class Host {
  readonly index: ZoneIndex
  readonly obeys: boolean
  readonly generations = new Map<LayerId, number>()
  readonly closed: LayerId[] = []

  constructor(index: ZoneIndex, obeys: boolean) {
    this.index = index
    this.obeys = obeys
  }

  async serve(layers: readonly LayerId[]): Promise<void> {
    await this.index.registerHost(fleet, { name: 'h', incarnation: 'i', node: 'n', endpoints: ['192.0.2.1:7000'], capacity: 8 })
    for (const layer of layers) this.generations.set(layer, (await this.index.placeLayer(fleet, layer)).generation)
    await this.beat()
  }

  async beat(): Promise<void> {
    const layers = [...this.generations].map(([layer, generation]) => ({
      layer,
      generation,
      epoch: 1,
      state: 'Serving' as const,
      players: 1,
      dataSafe: true,
    }))
    const answer = await this.index.heartbeat(fleet, { host: 'h', incarnation: 'i', outdated: false, layers })
    for (const { layer, generation, closeRequested } of answer.layers) {
      if (closeRequested === undefined || !this.obeys) continue
      await this.index.beginClose(fleet, layer, 'h', generation, true)
      await this.index.closeLayer(fleet, layer, 'h', generation)
      this.generations.delete(layer)
      this.closed.push(layer)
    }
  }
}

async function stage(options: {
  zones: readonly Zone[]
  layers: readonly LayerId[]
  host: 'obeys' | 'hangs' | 'dies'
  operator?: 'runs' | 'hangs'
  deleteZones?: boolean
}) {
  const clock = new ManualClock()
  const index = createMemoryIndex({ clock })
  const cluster = new MemoryCluster(options.zones, options.operator)
  const host = new Host(index, options.host === 'obeys')
  await host.serve(options.layers)
  const wait = async (ms: number): Promise<void> => {
    clock.advance(Math.max(ms, HEARTBEAT_EVERY))
    if (options.host !== 'dies') await host.beat()
  }
  const deps = {
    cluster,
    index,
    clock,
    wait,
    log: silentLog,
    defaultFleet: 'zone-servers',
    deleteZones: options.deleteZones ?? false,
    deadlineMs: 60_000,
  }
  return { cluster, index, host, clock, run: () => uninstall(deps) }
}

describe('uninstall', () => {
  it('stops the operator, closes every layer, then frees every zone and removes what the operator made', async () => {
    const { cluster, index, host, run } = await stage({
      zones: [zoneOf('meadow'), zoneOf('arena', { dedicated: { from: 'zone-servers' } }), zoneOf('asleep')],
      layers: ['game/meadow/0', 'game/meadow/1', 'game/arena/0'],
      host: 'obeys',
    })
    await run()
    expect(host.closed.toSorted()).toEqual(['game/arena/0', 'game/meadow/0', 'game/meadow/1'])
    expect(cluster.done).toEqual(['stop operator', 'free meadow', 'delete fleet of arena', 'free arena', 'free asleep', 'forget operator'])
    expect([...cluster.zones.values()].flatMap((zone) => zone.metadata.finalizers)).toEqual([])
    // Nobody wakes it meanwhile.
    const asleep = await index.joinLayer(fleet, 'game/asleep/0', { id: 't', account: 'a', character: 'c', ttlMs: 1_000 })
    expect([asleep.state, asleep.ticketed]).toEqual(['Barred', false])
  })

  it('can be run again after it was done, and with nothing to do', async () => {
    const { cluster, run } = await stage({ zones: [zoneOf('meadow')], layers: ['game/meadow/0'], host: 'obeys' })
    await run()
    await run()
    expect(cluster.done.filter((each) => each === 'forget operator')).toHaveLength(2)
  })

  it('takes the layers of a dead host back', async () => {
    const { cluster, clock, run } = await stage({ zones: [zoneOf('meadow')], layers: ['game/meadow/0'], host: 'dies' })
    clock.advance(HOST_DEAD_AFTER)
    await run()
    expect(cluster.done).toContain('free meadow')
  })

  it('stops at its deadline with the names of the layers that are open, and frees nothing', async () => {
    const { cluster, run } = await stage({ zones: [zoneOf('meadow')], layers: ['game/meadow/0'], host: 'hangs' })
    await expect(run()).rejects.toMatchObject({ code: 'Timeout', found: 'still open: game/meadow/0' })
    expect(cluster.done).toEqual(['stop operator'])
    expect(cluster.zones.get('meadow')?.metadata.finalizers).toEqual([ZONE_FINALIZER])
  })

  it('lets the operator finish deletions before it stops it', async () => {
    const { cluster, run } = await stage({
      zones: [zoneOf('meadow'), zoneOf('arena')],
      layers: ['game/meadow/0'],
      host: 'obeys',
      deleteZones: true,
    })
    await run()
    expect(cluster.zones.size).toBe(0)
    expect(cluster.done).toEqual(['stop operator', 'forget operator'])
  })

  it('goes on without an operator that does not', async () => {
    const gone = zoneOf('gone', { deleting: true, retention: 'Delete' })
    const { cluster, run } = await stage({ zones: [gone, zoneOf('meadow')], layers: [], host: 'obeys', operator: 'hangs' })
    await run()
    expect(cluster.done).toEqual(['stop operator', 'free gone', 'free meadow', 'forget operator'])
    expect([...cluster.zones.keys()]).toEqual(['meadow'])
  })
})
