import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { silentLog } from '../../../core/ports/log-port.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import { Closing } from '../../../zone-server/closing.ts'
import { Lease } from '../../../zone-server/lease.ts'
import { newState } from '../../../zone-server/simulation/state.ts'
import { Snapshots } from '../../../zone-server/snapshots.ts'
import { FLEET, LAYER, World } from './world-kit.ts'

let world: World

beforeEach(async () => {
  world = await World.create()
})

afterEach(async () => {
  vi.useRealTimers()
  await world.end()
})

it('a layer that is lost while it waits for its last players is not waited for any longer', async () => {
  vi.useFakeTimers()
  const over = new AbortController()
  const { signal } = over
  const clock = { now: () => Date.now() }
  const index = createMemoryIndex({ clock })
  const beginClose = async () => 'ok' as const
  const settings = { bounds: { min: { x: 0, y: 0 }, max: { x: 1, y: 1 } }, tickRateHz: 20, linkDeadTicks: 1 }
  const state = newState(LAYER, settings)
  const lease = new Lease(LAYER, 1, 0, { store: world.store, index, log: silentLog })
  const told = { onStored: () => undefined, onFailed: () => undefined }
  const snapshots = new Snapshots(1_000, 0, { lease, state, clock, log: silentLog, signal, ...told })
  const begun = Promise.withResolvers<void>()
  const ends: string[] = []
  const closing = new Closing({
    ...{ index: { ...index, beginClose }, fleet: FLEET, host: 'host-1', generation: 1, lease, state, snapshots, log: silentLog, signal },
    isBusy: () => true,
    onBegun: () => begun.resolve(),
    onEmpty: () => undefined,
    onEnd: (how) => ends.push(how),
  })
  closing.request('Drain')
  await begun.promise
  expect(vi.getTimerCount()).toBe(1)
  over.abort()
  await vi.advanceTimersByTimeAsync(0)
  expect(vi.getTimerCount()).toBe(0)
  expect(ends).toEqual([])
})
