import { MessageChannel } from 'node:worker_threads'
import { afterAll, describe, expect, it } from 'vitest'
import { ManualClock } from '../../core/clock.ts'
import { connectIndex, serveIndex } from '../../dev/remote-index.ts'
import { createMemoryIndex } from '../../platform/memory/memory-index.ts'
import { indexContract } from './index-contract.ts'
import { checkDrainLaws } from './index-drain-laws.ts'
import { type IndexHarness, rules } from './index-harness.ts'

function memoryHarness(): IndexHarness {
  const clock = new ManualClock()
  const index = createMemoryIndex({ clock, timing: rules })
  return {
    index,
    advance: async (_, ms) => clock.advance(ms),
    flush: async () => index.flush(),
    restart: async () => index.restart(),
  }
}

const harness = memoryHarness()
indexContract('zone index in memory', () => harness)

describe('drains', () => {
  it('end, lose nothing and move no more at once than they may', { timeout: 60_000 }, () => checkDrainLaws(memoryHarness(), 200))
})

/** As a host in a worker thread of the embedded world sees it. */
const behind = memoryHarness()
const { port1, port2 } = new MessageChannel()
serveIndex(behind.index, port1)
const remote = connectIndex(port2)
afterAll(() => remote.close())
indexContract('zone index in memory, by messages', () => ({ ...behind, index: remote }))

describe('zone index in memory, closed', () => {
  it('throws IndexUnavailable', async () => {
    const index = createMemoryIndex({ clock: new ManualClock() })
    await index.close()
    await expect(index.ping()).rejects.toMatchObject({ code: 'IndexUnavailable' })
    await expect(index.placeLayer('game/fleet', 'game/zone/0')).rejects.toMatchObject({ code: 'IndexUnavailable' })
  })
})
