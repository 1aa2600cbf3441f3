import { describe, expect, it } from 'vitest'
import type { LayerId } from '../../core/ids.ts'
import type { ZoneIndex } from '../../core/ports/index-port.ts'
import { type Fence, type JournalAppend, MAX_BATCH, MAX_JOURNAL_READ } from '../../core/ports/journal-port.ts'
import { createWorld, type IndexHarness } from './index-harness.ts'

/** The digest of a test's entry: sixteen hexadecimal digits that say which one it is. */
const digestOf = (tick: number, variant = 0): string => (tick * 16 + variant).toString(16).padStart(16, '0')

/** Bytes that are no text: every value of a byte, from the tick's on. */
const batchOf = (tick: number): Uint8Array => Uint8Array.from({ length: 256 }, (_, i) => (i + tick) % 256)

export function entry(layer: LayerId, fence: Fence, tick: number, previous = tick - 1, more: Partial<JournalAppend> = {}): JournalAppend {
  return { layer, fence, epoch: fence.epoch, tick, previous, batch: batchOf(tick), digest: digestOf(tick), ...more }
}

interface Page {
  readonly index: ZoneIndex
  readonly layer: LayerId
  /** The fence of epoch 5, which is the first. */
  readonly fence: Fence
  append(tick: number, previous?: number, more?: Partial<JournalAppend>): Promise<string | undefined>
  /** What is read under `fence`: the ticks, and the last one. */
  ticks(fence?: Fence, after?: number): Promise<unknown>
}

/** A layer of its own whose journal has the ticks 1 to `filled`. */
async function page(harness: IndexHarness, filled = 0): Promise<Page> {
  const { index } = harness
  const layer = createWorld(harness).layer(0)
  const fence = await index.raiseFence(layer, 5)
  const made: Page = {
    index,
    layer,
    fence,
    append: async (tick, previous, more) => (await index.appendJournal([entry(layer, fence, tick, previous, more)]))[0],
    async ticks(under = fence, after = 0) {
      const part = await index.readJournal(layer, under, after, 1_000)
      return typeof part === 'string' ? part : [part.entries.map(({ tick }) => tick), part.last]
    },
  }
  for (let tick = 1; tick <= filled; tick += 1) expect(await made.append(tick)).toBe('Done')
  return made
}

/** One row a case: what is asked of a journal with the ticks 1 to 3 of epoch 5, the answer, and what the journal holds then. */
type Row = readonly [title: string, ask: (page: Page) => Promise<unknown>, answer: string, ticks: readonly number[], last: number]

const lower = ({ fence }: Page): Fence => ({ ...fence, epoch: fence.epoch - 1 })
const higher = ({ fence }: Page): Fence => ({ ...fence, epoch: fence.epoch + 1 })
const foreign = ({ fence }: Page): Fence => ({ ...fence, replid: 'f'.repeat(40) })

const appends: readonly Row[] = [
  ['the next tick', ({ append }) => append(4), 'Done', [1, 2, 3, 4], 4],
  ['a tick after a pause', ({ append }) => append(9, 3), 'Done', [1, 2, 3, 9], 9],
  ['the last one again', ({ append }) => append(3), 'Done', [1, 2, 3], 3],
  ['an earlier one again', ({ append }) => append(2), 'Done', [1, 2, 3], 3],
  ['the last one with another digest', ({ append }) => append(3, 2, { digest: digestOf(3, 1) }), 'OutOfSequence', [1, 2, 3], 3],
  ['an earlier one with another digest', ({ append }) => append(1, 0, { digest: digestOf(1, 1) }), 'OutOfSequence', [1, 2, 3], 3],
  ['a predecessor that is missing', ({ append }) => append(5, 4), 'OutOfSequence', [1, 2, 3], 3],
  ['a predecessor that is not the last', ({ append }) => append(4, 2), 'OutOfSequence', [1, 2, 3], 3],
  ['a tick that never was', ({ append }) => append(2, 0, { digest: digestOf(7) }), 'OutOfSequence', [1, 2, 3], 3],
  ['a lower epoch', (p) => p.append(4, 3, { fence: lower(p), epoch: 4 }), 'Fenced', [1, 2, 3], 3],
  ['a lower epoch, repeated', (p) => p.append(3, 2, { fence: lower(p), epoch: 4 }), 'Fenced', [1, 2, 3], 3],
  ['an epoch that never raised the fence', (p) => p.append(4, 3, { fence: higher(p), epoch: 6 }), 'Forked', [1, 2, 3], 3],
  ['another replication id', (p) => p.append(4, 3, { fence: foreign(p) }), 'Forked', [1, 2, 3], 3],
  ['another replication id, repeated', (p) => p.append(3, 2, { fence: foreign(p) }), 'Forked', [1, 2, 3], 3],
  ['an empty batch', ({ append }) => append(4, 3, { batch: new Uint8Array() }), 'Done', [1, 2, 3, 4], 4],
]

const others: readonly Row[] = [
  ['start at the last tick', (p) => p.index.startJournal(p.layer, p.fence, 3), 'Done', [1, 2, 3], 3],
  ['start behind the last tick', (p) => p.index.startJournal(p.layer, p.fence, 7), 'Done', [], 7],
  ['start before the last tick', (p) => p.index.startJournal(p.layer, p.fence, 2), 'Ahead', [1, 2, 3], 3],
  ['start under a lower epoch', (p) => p.index.startJournal(p.layer, lower(p), 7), 'Fenced', [1, 2, 3], 3],
  ['start under a higher epoch', (p) => p.index.startJournal(p.layer, higher(p), 7), 'Forked', [1, 2, 3], 3],
  ['start under another id', (p) => p.index.startJournal(p.layer, foreign(p), 7), 'Forked', [1, 2, 3], 3],
  ['trim nothing', (p) => p.index.trimJournal(p.layer, p.fence, 0), 'Done', [1, 2, 3], 3],
  ['trim a part', (p) => p.index.trimJournal(p.layer, p.fence, 2), 'Done', [3], 3],
  ['trim all', (p) => p.index.trimJournal(p.layer, p.fence, 3), 'Done', [], 3],
  ['trim more than there is', (p) => p.index.trimJournal(p.layer, p.fence, 99), 'Done', [], 3],
  ['trim under a lower epoch', (p) => p.index.trimJournal(p.layer, lower(p), 2), 'Fenced', [1, 2, 3], 3],
  ['trim under a higher epoch', (p) => p.index.trimJournal(p.layer, higher(p), 2), 'Forked', [1, 2, 3], 3],
  ['trim under another id', (p) => p.index.trimJournal(p.layer, foreign(p), 2), 'Forked', [1, 2, 3], 3],
]

export function journalContract(harness: () => IndexHarness): void {
  describe('a journal', () => {
    it.each([...appends, ...others])('%s', async (_, ask, answer, ticks, last) => {
      const made = await page(harness(), 3)
      expect(await ask(made)).toBe(answer)
      expect(await made.ticks()).toEqual([ticks, last])
    })

    it('is read as it was written, byte for byte, from any tick on', async () => {
      const { index, layer, fence } = await page(harness(), 20)
      const all = Array.from({ length: 20 }, (_, i) => ({
        epoch: 5,
        tick: i + 1,
        previous: i,
        batch: batchOf(i + 1),
        digest: digestOf(i + 1),
      }))
      expect(await index.readJournal(layer, fence, 0, 100)).toEqual({ entries: all, last: 20 })
      expect(await index.readJournal(layer, fence, 3, 17)).toEqual({ entries: all.slice(3), last: 20 })
      expect(await index.readJournal(layer, fence, 18, 1)).toEqual({ entries: all.slice(18, 19), last: 20 })
      expect(await index.readJournal(layer, fence, 20, 10)).toEqual({ entries: [], last: 20 })
      expect(await index.readJournal(layer, fence, 0, 0)).toEqual({ entries: [], last: 20 })
    })

    it('keeps a batch as it was when it was appended', async () => {
      const { index, layer, fence, append } = await page(harness())
      const buffer = new Uint8Array([9, 1, 2, 3, 9])
      expect(await append(1, 0, { batch: buffer.subarray(1, 4) })).toBe('Done')
      buffer.fill(0)
      expect(await index.readJournal(layer, fence, 0, 1)).toMatchObject({ entries: [{ batch: new Uint8Array([1, 2, 3]) }] })
    })

    it('answers in parts of a bounded size', async () => {
      const made = await page(harness())
      const most = MAX_JOURNAL_READ / MAX_BATCH
      for (let tick = 1; tick <= most + 2; tick += 1) {
        expect(await made.append(tick, tick - 1, { batch: new Uint8Array(MAX_BATCH).fill(tick) })).toBe('Done')
      }
      expect(await made.ticks()).toEqual([Array.from({ length: most }, (_, i) => i + 1), most + 2])
      expect(await made.ticks(made.fence, most)).toEqual([[most + 1, most + 2], most + 2])
    })

    it('says whether its fence is of this index: not before it is raised, not after a loss', async () => {
      const world = createWorld(harness())
      const { index } = world
      const layer = world.layer(0)
      expect(await index.hasFence(layer)).toBe(false)
      await index.raiseFence(layer, 5)
      expect(await index.hasFence(layer)).toBe(true)
      await harness().restart()
      expect(await index.hasFence(layer)).toBe(false)
      await index.raiseFence(layer, 6)
      expect(await index.hasFence(layer)).toBe(true)
      await world.flush()
      expect(await index.hasFence(layer)).toBe(false)
      await index.dropJournal(layer, 7)
      expect(await index.hasFence(layer)).toBe(true)
    })

    it('tells the epoch of its fence, also of one that does not stand any more', async () => {
      const world = createWorld(harness())
      const { index } = world
      const layer = world.layer(0)
      expect(await index.fenceEpoch(layer)).toBe(0)
      await index.raiseFence(layer, 5)
      await index.raiseFence(layer, 3)
      expect(await index.fenceEpoch(layer)).toBe(5)
      await harness().restart()
      expect(await index.fenceEpoch(layer)).toBe(5)
      await world.flush()
      expect(await index.fenceEpoch(layer)).toBe(0)
      await index.dropJournal(layer, 7)
      expect(await index.fenceEpoch(layer)).toBe(7)
    })

    it('of nobody refuses everybody', async () => {
      const { index, fence } = await page(harness())
      const layer = createWorld(harness()).layer(0)
      expect(await index.appendJournal([entry(layer, fence, 1)])).toEqual(['Forked'])
      expect(await index.readJournal(layer, fence, 0, 1)).toBe('Forked')
      expect(await index.startJournal(layer, fence, 1)).toBe('Forked')
      expect(await index.trimJournal(layer, fence, 1)).toBe('Forked')
    })

    it('appends for several layers at once, each judged by itself, answered in order', async () => {
      const [a, b, c] = [await page(harness(), 1), await page(harness(), 1), await page(harness(), 1)]
      const asked = [entry(c.layer, c.fence, 2), entry(a.layer, foreign(a), 2), entry(b.layer, b.fence, 3)]
      expect(await a.index.appendJournal(asked)).toEqual(['Done', 'Forked', 'OutOfSequence'])
      expect([await a.ticks(), await b.ticks(), await c.ticks()]).toEqual([
        [[1], 1],
        [[1], 1],
        [[1, 2], 2],
      ])
      expect(await a.index.appendJournal([])).toEqual([])
    })

    it.each<readonly [string, Partial<JournalAppend>]>([
      ['a batch that is too big', { batch: new Uint8Array(MAX_BATCH + 1) }],
      ['a tick that is not behind its predecessor', { previous: 2 }],
      ['a tick that is no whole number', { tick: 2.5 }],
      ['a negative predecessor', { previous: -1 }],
      ["another epoch than the fence's", { epoch: 4 }],
      ['a digest that is none', { digest: 'abc' }],
    ])('refuses %s before anything is written', async (_, flaw) => {
      const [good, bad] = [await page(harness(), 1), await page(harness(), 1)]
      const asked = [entry(good.layer, good.fence, 2), entry(bad.layer, bad.fence, 2, 1, flaw)]
      await expect(good.index.appendJournal(asked)).rejects.toMatchObject({ code: 'InvalidInput' })
      expect([await good.ticks(), await bad.ticks()]).toEqual([
        [[1], 1],
        [[1], 1],
      ])
    })

    it('takes several entries of a layer in one call, and behind one that is refused none', async () => {
      const [a, b] = [await page(harness()), await page(harness(), 1)]
      const first = [entry(a.layer, a.fence, 1), entry(b.layer, b.fence, 3), entry(a.layer, a.fence, 2), entry(b.layer, b.fence, 4)]
      expect(await a.index.appendJournal(first)).toEqual(['Done', 'OutOfSequence', 'Done', 'OutOfSequence'])
      // Asked again, with one more, as after an answer that was lost.
      const again = [1, 2, 3].map((tick) => entry(a.layer, a.fence, tick))
      expect(await a.index.appendJournal(again)).toEqual(['Done', 'Done', 'Done'])
      expect([await a.ticks(), await b.ticks()]).toEqual([
        [[1, 2, 3], 3],
        [[1], 1],
      ])
    })

    it('refuses entries of a layer that are not linked before anything is written', async () => {
      const { index, layer, fence, ticks } = await page(harness())
      await expect(index.appendJournal([entry(layer, fence, 1), entry(layer, fence, 3)])).rejects.toMatchObject({ code: 'InvalidInput' })
      expect(await ticks()).toEqual([[], 0])
    })

    it('knows its last tick after it was trimmed', async () => {
      const { index, layer, fence, append, ticks } = await page(harness(), 3)
      expect(await index.trimJournal(layer, fence, 3)).toBe('Done')
      expect(await append(3)).toBe('Done')
      expect(await append(3, 2, { digest: digestOf(3, 1) })).toBe('OutOfSequence')
      expect(await append(2)).toBe('OutOfSequence')
      expect(await append(4)).toBe('Done')
      expect(await ticks()).toEqual([[4], 4])
    })

    it('goes on under the next epoch where the last one ended', async () => {
      const made = await page(harness(), 3)
      const { index, layer } = made
      const next = await index.raiseFence(layer, 8)
      expect(await made.append(4)).toBe('Fenced')
      expect(await made.ticks()).toBe('Fenced')
      expect(await index.startJournal(layer, next, 3)).toBe('Done')
      // What the last owner appended is another's, even the very same tick.
      expect(await index.appendJournal([entry(layer, next, 3)])).toEqual(['OutOfSequence'])
      expect(await index.appendJournal([entry(layer, next, 4)])).toEqual(['Done'])
      const part = await index.readJournal(layer, next, 0, 10)
      expect(typeof part === 'string' ? part : part.entries.map(({ epoch, tick }) => [epoch, tick])).toEqual([
        [5, 1],
        [5, 2],
        [5, 3],
        [8, 4],
      ])
    })

    it('begins anywhere', async () => {
      const { index, layer, fence, append, ticks } = await page(harness())
      expect(await index.startJournal(layer, fence, 1_000_000)).toBe('Done')
      expect(await index.startJournal(layer, fence, 1_000_000)).toBe('Done')
      expect(await append(1)).toBe('OutOfSequence')
      expect(await append(1_000_001)).toBe('Done')
      expect(await index.startJournal(layer, fence, 1_000_000)).toBe('Ahead')
      expect(await ticks()).toEqual([[1_000_001], 1_000_001])
    })
  })

  fenceContract(harness)
  droppedContract(harness)
}

function fenceContract(harness: () => IndexHarness): void {
  describe('a fence', () => {
    it('only rises, and is answered as it stands', async () => {
      const { index } = harness()
      const layer = createWorld(harness()).layer(0)
      const raised = []
      for (const epoch of [3, 7, 5, 7, 8]) raised.push(await index.raiseFence(layer, epoch))
      expect(raised.map(({ epoch }) => epoch)).toEqual([3, 7, 7, 7, 8])
      expect(new Set(raised.map(({ replid }) => replid)).size).toBe(1)
      await expect(index.raiseFence(layer, -1)).rejects.toMatchObject({ code: 'InvalidInput' })
    })

    it('is answered with the tick at which the journal ends', async () => {
      const { index, layer, fence } = await page(harness(), 3)
      expect(fence).toMatchObject({ last: 0 })
      expect(await index.raiseFence(layer, 6)).toMatchObject({ epoch: 6, last: 3 })
      const next = await index.raiseFence(layer, 6)
      expect(next).toMatchObject({ epoch: 6, last: 3 })
      expect(await index.startJournal(layer, next, 8)).toBe('Done')
      expect(await index.raiseFence(layer, 2)).toMatchObject({ epoch: 6, last: 8 })
      expect(await index.trimJournal(layer, next, 8)).toBe('Done')
      expect(await index.raiseFence(layer, 7)).toMatchObject({ epoch: 7, last: 8 })
      await index.dropJournal(layer, 8)
      expect(await index.raiseFence(layer, 9)).toMatchObject({ epoch: 9, last: 0 })
    })

    it('of one layer is not that of another', async () => {
      const { index } = harness()
      const world = createWorld(harness())
      await index.raiseFence(world.layer(0), 9)
      expect(await index.raiseFence(world.layer(1), 1)).toMatchObject({ epoch: 1 })
    })

    it('holds no more when the index was restarted, and is not bound anew for the same epoch', async () => {
      const made = await page(harness(), 2)
      const { index, layer, fence } = made
      await harness().restart()
      expect(await made.append(3)).toBe('Forked')
      expect(await made.append(2)).toBe('Forked')
      expect(await made.ticks()).toBe('Forked')
      expect(await index.startJournal(layer, fence, 9)).toBe('Forked')
      expect(await index.trimJournal(layer, fence, 1)).toBe('Forked')
      expect(await index.raiseFence(layer, 5)).toEqual({ ...fence, last: 2 })
      expect(await made.append(3)).toBe('Forked')
      const next = await index.raiseFence(layer, 6)
      expect(next.replid).not.toBe(fence.replid)
      expect(await made.append(3)).toBe('Fenced')
      expect(await made.ticks(next)).toEqual([[1, 2], 2])
      expect(await index.appendJournal([entry(layer, next, 3)])).toEqual(['Done'])
    })

    it('holds no more when the index was emptied', async () => {
      const made = await page(harness(), 2)
      await harness().flush()
      expect(await made.append(3)).toBe('Forked')
      expect(await made.ticks()).toBe('Forked')
      const next = await made.index.raiseFence(made.layer, 6)
      expect(await made.ticks(next)).toEqual([[], 0])
      expect(await made.index.startJournal(made.layer, next, 2)).toBe('Done')
      expect(await made.index.appendJournal([entry(made.layer, next, 3)])).toEqual(['Done'])
    })
  })
}

function droppedContract(harness: () => IndexHarness): void {
  describe('the journal of an erased layer', () => {
    it('is gone, and whoever owned it is fenced off', async () => {
      const made = await page(harness(), 3)
      const { index, layer } = made
      await index.dropJournal(layer, 6)
      await index.dropJournal(layer, 6)
      expect(await made.append(4)).toBe('Fenced')
      const next = await index.raiseFence(layer, 7)
      expect(await made.ticks(next)).toEqual([[], 0])
      expect(await index.appendJournal([entry(layer, next, 1)])).toEqual(['Done'])
      expect(await made.ticks(next)).toEqual([[1], 1])
    })

    it('is left alone when the layer was opened anew', async () => {
      const made = await page(harness(), 3)
      await made.index.dropJournal(made.layer, 4)
      expect(await made.ticks()).toEqual([[1, 2, 3], 3])
      expect(await made.append(4)).toBe('Done')
    })

    it('may never have been', async () => {
      const { index } = harness()
      const layer = createWorld(harness()).layer(0)
      await index.dropJournal(layer, 6)
      expect(await index.raiseFence(layer, 5)).toMatchObject({ epoch: 6 })
    })
  })
}
