import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { isCode } from '../../core/errors.ts'
import type { LayerId } from '../../core/ids.ts'
import type { ZoneIndex } from '../../core/ports/index-port.ts'
import type { Fence, JournalAppend, JournalEntry } from '../../core/ports/journal-port.ts'
import { journalKeys } from '../../platform/redis/keys.ts'
import { PATIENCE } from './index-harness.ts'
import { entry } from './index-journal.ts'
import type { RedisServer } from './redis-server.ts'
import { opened, rawClient, reached, started } from './redis-stage.ts'

/** What happens to journal and fence when Redis is killed, frozen, emptied, or followed by its replica. */
vi.setConfig({ testTimeout: 60_000 })

const LAYER: LayerId = 'game/meadow/0'
const OTHER: LayerId = 'game/meadow/1'
/** How often Redis is killed in the midst of appends. */
const KILLS = process.env['BAILIWICK_FAULTS'] === 'full' ? 200 : 5

interface Scene {
  readonly server: RedisServer
  readonly index: ZoneIndex
  /** Epoch 5's. */
  readonly fence: Fence
  append(tick: number, fence?: Fence): Promise<string | undefined>
}

/** A layer whose journal has the ticks 1 to 3 of epoch 5. */
const scene = async (settings: readonly string[] = []): Promise<Scene> => sceneOn(await started(settings))

async function sceneOn(server: RedisServer): Promise<Scene> {
  const { index } = opened(server.url)
  const fence = await index.raiseFence(LAYER, 5)
  const append = async (tick: number, under = fence): Promise<string | undefined> =>
    (await index.appendJournal([entry(LAYER, under, tick)]))[0]
  for (const tick of [1, 2, 3]) expect(await append(tick)).toBe('Done')
  return { server, index, fence, append }
}

async function entries(index: ZoneIndex, fence: Fence, layer: LayerId = LAYER): Promise<readonly JournalEntry[]> {
  const all: JournalEntry[] = []
  for (;;) {
    const part = await index.readJournal(layer, fence, all.at(-1)?.tick ?? 0, 1_000)
    if (typeof part === 'string') throw new Error(part)
    if (part.entries.length === 0) return all
    all.push(...part.entries)
  }
}

const ticks = async (index: ZoneIndex, fence: Fence): Promise<number[]> => (await entries(index, fence)).map(({ tick }) => tick)

/** The owner claims a new epoch from memory, where tick 3 is the last one confirmed, and goes on. Answers what the journal had kept. */
async function goOn({ index, append }: Scene): Promise<number[]> {
  const next = await index.raiseFence(LAYER, 6)
  const kept = await ticks(index, next)
  expect(await index.startJournal(LAYER, next, 3)).toBe('Done')
  expect(await append(4)).toBe('Fenced')
  expect(await append(4, next)).toBe('Done')
  expect(await append(4, next)).toBe('Done')
  return kept
}

/** With everysec Redis answers before it writes while an fsync takes long: a killed one may lose up to two seconds. */
const nothingLost = ['--appendfsync', 'always']

const faults: readonly (readonly [string, readonly string[], (scene: Scene) => Promise<unknown>, readonly number[]])[] = [
  [
    'killed, with its append-only file',
    nothingLost,
    async ({ server }) => {
      await server.kill()
      await server.start()
    },
    [1, 2, 3],
  ],
  [
    'killed, without one',
    ['--appendonly', 'no'],
    async ({ server }) => {
      await server.kill()
      await server.start()
    },
    [],
  ],
  ['emptied', [], async ({ server }) => (await rawClient(server)).flushAll(), []],
  [
    'emptied, its functions too',
    [],
    async ({ server }) => {
      const raw = await rawClient(server)
      await raw.flushAll()
      await raw.functionFlush()
    },
    [],
  ],
]

describe('a Redis that was', () => {
  it.each(faults)('%s: every fence is void until the owner claims a new epoch from memory', async (_, settings, strike, kept) => {
    const made = await scene(settings)
    await strike(made)
    await reached(made.index)
    expect(await made.append(4)).toBe('Forked')
    expect(await made.append(3)).toBe('Forked')
    expect(await made.index.readJournal(LAYER, made.fence, 0, 10)).toBe('Forked')
    expect(await goOn(made)).toEqual(kept)
  })
})

describe('functions that are gone while the data is there', () => {
  it('are loaded again with the next append, which is answered as if nothing had been', async () => {
    const { server, index, append, fence } = await scene()
    const other = await index.raiseFence(OTHER, 2)
    await (await rawClient(server)).functionFlush()
    expect(await index.appendJournal([entry(LAYER, fence, 4), entry(OTHER, other, 1)])).toEqual(['Done', 'Done'])
    expect(await append(5)).toBe('Done')
    expect(await ticks(index, fence)).toEqual([1, 2, 3, 4, 5])
  })
})

/** Appends one tick after another, each when the one before is answered. Answers the last one confirmed, once an append fails. */
async function appendUntilFailure(index: ZoneIndex, fence: Fence, from: number): Promise<number> {
  for (let tick = from; ; tick += 1) {
    const batch = new Uint8Array(1 + ((tick * 997) % 9_000)).fill(tick)
    try {
      const [answer] = await index.appendJournal([entry(LAYER, fence, tick, tick - 1, { batch })])
      expect(answer).toBe('Done')
    } catch (error) {
      if (!isCode(error, 'IndexUnavailable')) throw error
      return tick - 1
    }
  }
}

describe('a Redis killed in the midst of appends', () => {
  it.each([
    ['always', 'every tick that was confirmed'],
    ['everysec', 'the ticks that were confirmed, but for the last ones if the disk was slow'],
  ])(
    'with appendfsync %s has %s, without a gap, and at most the one that was on its way',
    async (fsync) => {
      const server = await started(['--appendfsync', fsync])
      const { index } = opened(server.url)
      let last = 0
      for (let epoch = 1; epoch <= KILLS; epoch += 1) {
        const fence = await index.raiseFence(LAYER, epoch)
        const appending = appendUntilFailure(index, fence, last + 1)
        await delay(10 + Math.random() * 60)
        await server.kill()
        const confirmed = await appending
        await server.start()
        await reached(index)
        const next = await index.raiseFence(LAYER, epoch + 1)
        const found = await entries(index, next)
        last = found.at(-1)?.tick ?? 0
        if (fsync === 'always') expect(last).toBeGreaterThanOrEqual(confirmed)
        expect(last).toBeLessThanOrEqual(confirmed + 1)
        expect(found.map(({ tick, previous, batch }) => [tick, previous, batch.length, batch[0]])).toEqual(
          found.map((_, i) => [i + 1, i, 1 + (((i + 1) * 997) % 9_000), (i + 1) % 256]),
        )
      }
      expect(last).toBeGreaterThan(0)
    },
    600_000,
  )
})

describe('a frozen Redis', () => {
  it('confirms nothing; what was sent meanwhile and is repeated later is there once', async () => {
    const { server, index, fence, append } = await scene()
    const other = await index.raiseFence(OTHER, 2)
    const asked: readonly JournalAppend[] = [entry(LAYER, fence, 4), entry(OTHER, other, 1)]
    const { pid } = server
    if (pid === undefined) throw new Error('redis-server does not run')
    process.kill(pid, 'SIGSTOP')
    try {
      await expect(index.appendJournal(asked)).rejects.toMatchObject({ code: 'IndexUnavailable' })
      await expect(index.appendJournal(asked)).rejects.toMatchObject({ code: 'IndexUnavailable' })
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await reached(index)
    expect(await index.appendJournal(asked)).toEqual(['Done', 'Done'])
    expect(await append(5)).toBe('Done')
    expect(await index.appendJournal(asked)).toEqual(['Done', 'Done'])
    expect(await ticks(index, fence)).toEqual([1, 2, 3, 4, 5])
    expect((await entries(index, other, OTHER)).map(({ tick }) => tick)).toEqual([1])
  })
})

describe('a replica', () => {
  /** A scene whose server is followed by a replica that has everything. The first replica of a server gives it another replication id: fences are raised after that. */
  async function followed() {
    const server = await started(['--repl-diskless-sync-delay', '0'])
    const replica = await started(['--replicaof', '127.0.0.1', String(server.port)])
    const [primary, raw] = [await rawClient(server), await rawClient(replica)]
    await vi.waitFor(async () => expect(await raw.info('replication')).toContain('master_link_status:up'), PATIENCE)
    const made = await sceneOn(server)
    const [, journal = ''] = journalKeys(LAYER)
    await vi.waitFor(async () => expect(await raw.xLen(journal)).toBe(3), PATIENCE)
    return { made, primary, replica, raw }
  }

  it('that joins gives the server another replication id: the owner claims a new epoch, and has everything', async () => {
    const made = await scene(['--repl-diskless-sync-delay', '0'])
    const replica = await started(['--replicaof', '127.0.0.1', String(made.server.port)])
    const raw = await rawClient(replica)
    await vi.waitFor(async () => expect(await raw.info('replication')).toContain('master_link_status:up'), PATIENCE)
    expect(await made.append(4)).toBe('Forked')
    expect(await goOn(made)).toEqual([1, 2, 3])
  })

  it('that was promoted has the entries, and holds nobody to own them', async () => {
    const { made, replica, raw } = await followed()
    await raw.sendCommand(['REPLICAOF', 'NO', 'ONE'])
    const { index } = opened(replica.url)
    const append = async (tick: number, fence: Fence = made.fence) => (await index.appendJournal([entry(LAYER, fence, tick)]))[0]
    expect(await append(4)).toBe('Forked')
    expect(await append(3)).toBe('Forked')
    expect(await goOn({ ...made, index, append })).toEqual([1, 2, 3])
  })

  it('that was promoted without the last ticks lets the owner write on from where its memory ends', async () => {
    const { made, replica, raw } = await followed()
    await raw.sendCommand(['REPLICAOF', 'NO', 'ONE'])
    // Confirmed by the old one, which nobody follows any more.
    expect(await made.append(4)).toBe('Done')
    await made.server.kill()
    const { index } = opened(replica.url)
    expect(await index.appendJournal([entry(LAYER, made.fence, 5)])).toEqual(['Forked'])
    const next = await index.raiseFence(LAYER, 6)
    expect(await ticks(index, next)).toEqual([1, 2, 3])
    expect(await index.startJournal(LAYER, next, 4)).toBe('Done')
    expect(await index.appendJournal([entry(LAYER, next, 5)])).toEqual(['Done'])
    expect(await ticks(index, next)).toEqual([5])
  })

  it('that is needed and gone: nothing is confirmed until it is back', async () => {
    const { made, primary, replica } = await followed()
    await primary.configSet('min-replicas-to-write', '1')
    await vi.waitFor(async () => expect(await made.append(4)).toBe('Done'), PATIENCE)
    await replica.kill()
    await vi.waitFor(async () => expect(await primary.info('replication')).toContain('connected_slaves:0'), PATIENCE)
    await expect(made.append(5)).rejects.toMatchObject({ code: 'IndexUnavailable' })
    await replica.start()
    await vi.waitFor(async () => expect(await made.append(5)).toBe('Done'), PATIENCE)
    expect(await ticks(made.index, made.fence)).toEqual([1, 2, 3, 4, 5])
  })
})

describe('the fence of an erased layer', () => {
  it('is forgotten after a while, unless the layer was opened anew', async () => {
    const server = await started()
    const { index } = opened(server.url, { barForgottenAfter: 200 })
    const raw = await rawClient(server)
    for (const layer of [LAYER, OTHER]) {
      const fence = await index.raiseFence(layer, 1)
      expect(await index.appendJournal([entry(layer, fence, 1)])).toEqual(['Done'])
      await index.dropJournal(layer, 2)
    }
    await index.raiseFence(OTHER, 3)
    await vi.waitFor(async () => expect(await raw.keys('bw:{l:*')).toEqual([`bw:{l:${OTHER}}:fence`]), PATIENCE)
  })
})

describe('a Redis that is full', () => {
  it('takes no entry, but what frees memory', async () => {
    const { server, index, fence, append } = await scene()
    const raw = await rawClient(server)
    await raw.configSet('maxmemory', '1')
    await expect(append(4)).rejects.toThrow()
    expect(await index.trimJournal(LAYER, fence, 2)).toBe('Done')
    expect(await ticks(index, fence)).toEqual([3])
    await index.dropJournal(LAYER, 6)
    await raw.configSet('maxmemory', '0')
    expect(await append(4)).toBe('Fenced')
  })
})
