import { afterEach, beforeEach, expect, it } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import { Closing } from '../../../zone-server/closing.ts'
import { Lease } from '../../../zone-server/lease.ts'
import { packingInline } from '../../../zone-server/packing.ts'
import { newState } from '../../../zone-server/simulation/state.ts'
import { FLEET, LAYER, pause, World } from './world-kit.ts'

let world: World

/** Knows how many wait. */
class CountingClock extends ManualClock {
  waiting = 0

  override after(ms: number, call: () => void): () => void {
    this.waiting++
    const cancel = super.after(ms, call)
    return () => {
      this.waiting--
      cancel()
    }
  }
}

beforeEach(async () => {
  world = await World.create()
})

afterEach(async () => {
  await world.end()
})

it('a layer that is lost while it waits for its last players is not waited for any longer', async () => {
  const over = new AbortController()
  const { signal } = over
  const clock = new CountingClock()
  const index = createMemoryIndex({ clock })
  const beginClose = async () => 'ok' as const
  const settings = { bounds: { min: { x: 0, y: 0 }, max: { x: 1, y: 1 } }, tickRateHz: 20, linkDeadTicks: 1 }
  const state = newState(LAYER, settings)
  const packing = packingInline
  const start = {
    layer: LAYER,
    generation: 1,
    host: 'host-1',
    content: '',
    epoch: 1,
    nonce: 'n',
    fence: { epoch: 1, replid: 'r' },
    lastSnapshot: 0,
    erasedAt: 0,
  }
  const lease = new Lease(start, { store: world.store, index, log: silentLog, timers: clock, packing })
  const never = { last: () => Promise.reject(new Error('not empty')), end: () => Promise.reject(new Error('not empty')) }
  const begun = Promise.withResolvers<void>()
  const ends: string[] = []
  const closing = new Closing({
    ...{
      index: { ...index, beginClose },
      fleet: FLEET,
      host: 'host-1',
      generation: 1,
      lease,
      state,
      chain: never,
      trimming: never,
      log: silentLog,
      timers: clock,
      signal,
    },
    isBusy: () => true,
    onBegun: () => begun.resolve(),
    onEmpty: () => undefined,
    onEnd: (how) => ends.push(how),
  })
  closing.request('Drain')
  await begun.promise
  expect(clock.waiting).toBe(1)
  over.abort()
  await pause(0)
  expect(clock.waiting).toBe(0)
  expect(ends).toEqual([])
})
