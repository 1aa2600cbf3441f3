import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../core/clock.ts'
import type { ZoneId } from '../../../core/ids.ts'
import { VIEW_REFRESH_MAX, VIEW_REFRESH_MIN } from '../../../core/timing.ts'
import { FleetMirror } from '../../../operator/fleet-mirror.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'

const fleet = 'game/zone-servers'
const zone: ZoneId = 'game/meadow'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A mirror over the memory index whose reads take `readMs`; counts reads and keeps which zones were told. */
function mirrored(readMs: number) {
  const index = createMemoryIndex({ clock: systemClock })
  const told: ZoneId[] = []
  const seen = { reads: 0 }
  const mirror = new FleetMirror({
    fleet,
    clock: systemClock,
    random: () => 1,
    index: {
      ...index,
      watchFleet: (...args) => index.watchFleet(...args),
      async fleetNews(...args) {
        seen.reads += 1
        await new Promise((resolve) => setTimeout(resolve, readMs))
        return index.fleetNews(...args)
      },
    },
    onZone: (id) => void told.push(id),
    onGap: () => undefined,
    onRead: () => undefined,
    onFailed: (error) => {
      throw error
    },
  })
  return { mirror, told, seen, index }
}

describe('the copy of a fleet', () => {
  it('tells zones that asked before the first read, also when the index has nothing of them', async () => {
    const { mirror, told } = mirrored(10)
    expect(mirror.placementOf(zone)).toBeUndefined()
    mirror.start()
    await vi.advanceTimersByTimeAsync(50)
    expect(told).toEqual([zone])
    mirror.stop()
  })

  it('tells a zone when what is played in it can not be made safe, and when it can again', async () => {
    const { mirror, told, index } = mirrored(1)
    const host = { name: 'h1', incarnation: 'h1-1', node: 'n1', endpoints: ['h1:7000'], capacity: 1 }
    await index.registerHost(fleet, host, [])
    await index.placeLayer(fleet, `${zone}/0`)
    const beat = async (dataSafe: boolean) => {
      const layers = [{ layer: `${zone}/0`, generation: 1, epoch: 1, state: 'Serving', players: 0, dataSafe } as const]
      await index.heartbeat(fleet, { host: 'h1', incarnation: 'h1-1', outdated: false, layers })
      await vi.advanceTimersByTimeAsync(VIEW_REFRESH_MAX * 2)
    }
    mirror.start()
    await beat(true)
    for (const dataSafe of [false, true]) {
      told.length = 0
      await beat(dataSafe)
      expect(told).toContain(zone)
      expect(mirror.placementOf(zone)?.layers.map((layer) => layer.dataSafe)).toEqual([dataSafe])
    }
    mirror.stop()
  })

  it('is read although changes keep coming faster than it may be read', async () => {
    // A slow read earns a long pause, within which the changes come.
    const { mirror, told, seen } = mirrored(VIEW_REFRESH_MAX)
    mirror.start()
    await vi.advanceTimersByTimeAsync(VIEW_REFRESH_MAX)
    const before = seen.reads
    for (let step = 0; step < 100; step++) {
      mirror.touched(zone)
      await vi.advanceTimersByTimeAsync(VIEW_REFRESH_MIN / 2)
      await vi.advanceTimersByTimeAsync(VIEW_REFRESH_MAX / 10)
    }
    expect(seen.reads).toBeGreaterThan(before + 2)
    await vi.advanceTimersByTimeAsync(5 * VIEW_REFRESH_MAX)
    expect(mirror.isFresh(zone)).toBe(true)
    expect(told).toContain(zone)
    mirror.stop()
  })
})
