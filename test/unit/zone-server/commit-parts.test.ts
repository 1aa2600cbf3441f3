import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BailiwickError } from '../../../core/errors.ts'
import type { LayerId } from '../../../core/ids.ts'
import type { AppendAnswer, JournalAppend, JournalEntry } from '../../../core/ports/journal-port.ts'
import { MAX_BATCH } from '../../../core/ports/journal-port.ts'
import { KEPT_STORED_AT } from '../../../zone-server/bounds.ts'
import { isHeld } from '../../../zone-server/commit/held.ts'
import { JournalWriter } from '../../../zone-server/commit/journal-writer.ts'
import { Kept } from '../../../zone-server/commit/kept.ts'
import { decideWrite, type Write, type WriteSeen } from '../../../zone-server/decide-write.ts'
import { InputQueue } from '../../../zone-server/input-queue.ts'
import { packingInline, packingOffThread } from '../../../zone-server/packing.ts'
import { decodeSegment, encodeSegment } from '../../../zone-server/segment-file.ts'
import { encodeBatch } from '../../../zone-server/simulation/batch.ts'
import { Takeover } from '../../../zone-server/takeover.ts'
import { arrival } from './simulation-kit.ts'

const entry = (tick: number, previous: number, size = 3): JournalEntry => ({
  ...{ epoch: 5, tick, previous, batch: new Uint8Array(size).fill(tick & 0xff), digest: tick.toString(16).padStart(16, '0') },
})

describe('the writer of the journal', () => {
  const append = (layer: LayerId, tick: number): JournalAppend => ({ ...entry(tick, tick - 1), layer, fence: { epoch: 5, replid: 'r' } })

  it('sends at once, and together what comes meanwhile', async () => {
    const calls: string[][] = []
    const waiting: (() => void)[] = []
    const writer = new JournalWriter({
      appendJournal: (appends) => {
        calls.push(appends.map(({ layer, tick }) => `${layer} ${tick}`))
        return new Promise((resolve) => waiting.push(() => resolve(appends.map((): AppendAnswer => 'Done'))))
      },
    })
    const answers = [[append('a/a/0', 1)], [append('a/b/0', 1), append('a/b/0', 2)], [append('a/c/0', 1)]].map((some) =>
      writer.append(some),
    )
    for (let i = 0; i < 2; i++) {
      waiting[i]?.()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await Promise.all(answers)).toEqual([['Done'], ['Done', 'Done'], ['Done']])
    expect(calls).toEqual([['a/a/0 1'], ['a/b/0 1', 'a/b/0 2', 'a/c/0 1']])
  })

  it('tells each its own answer, and everybody when there was none', async () => {
    let away = false
    const writer = new JournalWriter({
      appendJournal: async (appends) => {
        if (away) throw new BailiwickError('IndexUnavailable')
        return appends.map(({ layer }): AppendAnswer => (layer === 'a/b/0' ? 'Fenced' : 'Done'))
      },
    })
    expect(await Promise.all(['a/a/0', 'a/b/0', 'a/c/0'].map((layer) => writer.append([append(layer as LayerId, 1)])))).toEqual([
      ['Done'],
      ['Fenced'],
      ['Done'],
    ])
    away = true
    const outcomes = await Promise.allSettled(['a/a/0', 'a/b/0'].map((layer) => writer.append([append(layer as LayerId, 2)])))
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    away = false
    expect(await writer.append([append('a/a/0', 2)])).toEqual(['Done'])
  })

  it('entries of one layer that can not be taken at all are its own misfortune', async () => {
    const writer = new JournalWriter({
      appendJournal: async (appends) => {
        if (appends.some(({ layer }) => layer === 'a/b/0')) throw new BailiwickError('Internal')
        return appends.map((): AppendAnswer => 'Done')
      },
    })
    const outcomes = await Promise.allSettled(
      ['a/z/0', 'a/a/0', 'a/b/0', 'a/c/0'].map((layer) => writer.append([append(layer as LayerId, 1)])),
    )
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  })
})

describe('what is kept for the store', () => {
  it('is given oldest first, within a bound, and forgotten when it is stored', () => {
    const kept = new Kept()
    for (let tick = 1; tick <= 10; tick++) kept.add(entry(tick, tick - 1, 1_000))
    const all = kept.bytes
    expect(kept.oldest(3_500).map(({ tick }) => tick)).toEqual([1, 2, 3])
    expect(kept.oldest(10).map(({ tick }) => tick)).toEqual([1])
    kept.dropThrough(4)
    expect(kept.bytes).toBe((all / 10) * 6)
    expect(kept.oldest(1e9)[0]?.tick).toBe(5)
    kept.dropThrough(99)
    expect([kept.bytes, kept.newest]).toEqual([0, undefined])
  })

  it('has no gap', () => {
    const kept = new Kept()
    kept.add(entry(7, 3))
    expect(() => kept.add(entry(9, 8))).toThrow(expect.objectContaining({ code: 'InvariantBroken' }))
  })
})

describe('holding', () => {
  it('a second ahead, or the store too far behind', () => {
    expect([isHeld(19, 0, 20), isHeld(20, 0, 20), isHeld(1, 0, 1), isHeld(0, 11 * MAX_BATCH, 20)]).toEqual([false, true, true, true])
  })
})

describe('what is written next', () => {
  const quiet: WriteSeen = {
    ...{ now: 10_000, capturedAt: 9_000, writtenAt: 9_950, everyMs: 30_000, captured: 'none', changed: true, replayMs: 0 },
    ...{ snapshotWanted: false, wanted: 0, keptTick: 40, keptBytes: 1_000, durable: 20 },
  }
  const table: readonly (readonly [string, Partial<WriteSeen>, Write])[] = [
    ['nothing is due', {}, 'nothing'],
    ['a captured state that is confirmed comes first', { captured: 'confirmed', wanted: 30, writtenAt: 0 }, 'snapshot'],
    ['one that is not waits', { captured: 'unconfirmed', snapshotWanted: true }, 'nothing'],
    ['somebody waits for a tick that is confirmed', { wanted: 40, writtenAt: 9_900 }, 'segment'],
    ['not so soon after the record before', { wanted: 40 }, 'nothing'],
    ['not before the tick is confirmed', { wanted: 41, writtenAt: 9_900 }, 'nothing'],
    ['not when it is in the chain', { wanted: 20, writtenAt: 9_900 }, 'nothing'],
    ['too much is kept', { keptBytes: KEPT_STORED_AT }, 'segment'],
    ['a snapshot from time to time', { capturedAt: -20_000 }, 'capture'],
    ['none when nothing happened', { capturedAt: -20_000, changed: false }, 'nothing'],
    ['one early when a replay would be long', { replayMs: 500 }, 'capture'],
    ['so too when nothing happened', { replayMs: 500, changed: false }, 'capture'],
    ['but not too early', { replayMs: 500, capturedAt: 9_500 }, 'nothing'],
    ['one that is asked for, whatever happened', { snapshotWanted: true, changed: false }, 'capture'],
    ['a clock that was set back puts nothing off', { capturedAt: 99_000 }, 'capture'],
  ]
  for (const [name, change, write] of table) it(name, () => expect(decideWrite({ ...quiet, ...change })).toBe(write))
})

describe('inputs that wait', () => {
  it('fit into the journal, each in its turn, whatever came', () => {
    const queue = new InputQueue()
    const text = '€'.repeat(300)
    let taken = 0
    let refused = 0
    for (let i = 1; i <= 10_000; i++) if (!queue.player(`player-${i % 50}`, i, { kind: 'say', text })) refused++
    for (let i = 0; i < 2_000; i++) {
      const state = {
        zone: null,
        position: null,
        inventory: Array.from({ length: 20 }, (_, k) => ({ id: `${i}/${k}`, kind: 'key' })),
        inputSequence: 0,
      }
      queue.layer({ kind: 'join', arrival: arrival(`guest-${i}`, state) })
    }
    const last = new Map<string, number>()
    for (let batch = queue.take(); batch.length > 0; batch = queue.take()) {
      expect(encodeBatch(batch).byteLength).toBeLessThan(MAX_BATCH)
      for (const { source, sequence } of batch) {
        expect(sequence).toBeGreaterThan(last.get(source) ?? 0)
        last.set(source, sequence)
      }
      taken += batch.length
    }
    expect(refused).toBeGreaterThan(0)
    expect(taken).toBe(12_000 - refused)
  })
})

describe('bytes of the chain', () => {
  const entries = fc.array(
    fc.record({
      epoch: fc.nat(),
      tick: fc.nat(),
      previous: fc.nat(),
      batch: fc.uint8Array({ maxLength: 50 }),
      digest: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => value.toString(16).padStart(16, '0')),
    }),
    { maxLength: 20 },
  )

  it('a segment reads back', () => {
    fc.assert(
      fc.property(entries, (list) => {
        const read = decodeSegment(encodeSegment(list))
        expect(read.map((one) => ({ ...one, batch: [...one.batch] }))).toEqual(list.map((one) => ({ ...one, batch: [...one.batch] })))
      }),
    )
  })

  it('anything else is StoreCorrupt and nothing worse', () => {
    fc.assert(
      fc.property(entries, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), fc.nat(), (list, changes, cut) => {
        const bytes = encodeSegment(list).slice()
        for (const [at, value] of changes) bytes[at % bytes.length] = value
        try {
          decodeSegment(bytes.subarray(0, cut % (bytes.length + 1)))
        } catch (error) {
          expect(error).toMatchObject({ code: 'StoreCorrupt' })
        }
      }),
    )
  })

  for (const [name, packing] of Object.entries({ packingInline, packingOffThread }))
    it(`${name}: what was packed unpacks, damaged bytes do not`, async () => {
      const bytes = new Uint8Array(5_000).map((_, i) => i % 7)
      const { hash, blob } = await packing.pack(bytes)
      expect(Buffer.compare(await packing.unpack('it', hash, blob), bytes)).toBe(0)
      const damaged = Uint8Array.from(blob)
      damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 1
      await packing.check('it', hash, blob)
      for (const judge of [packing.unpack, packing.check]) {
        for (const wrong of [damaged, blob.subarray(0, -3), undefined])
          await expect(judge('it', hash, wrong)).rejects.toMatchObject({ code: 'StoreCorrupt' })
        await expect(judge('it', 'f00', blob)).rejects.toMatchObject({ code: 'StoreCorrupt' })
      }
    })
})

describe('new content', () => {
  it('is named by an epoch only when a snapshot holds it', () => {
    const takeover = new Takeover('old')
    takeover.wanted('new')
    expect(takeover.stepped(6, 'old')).toBe(false)
    expect([takeover.stepped(7, 'new'), takeover.stepped(8, 'new'), takeover.content]).toEqual([true, false, 'old'])
    expect([takeover.snapshotStored(6), takeover.content]).toEqual([false, 'old'])
    expect([takeover.snapshotStored(7), takeover.snapshotStored(9), takeover.content]).toEqual([true, false, 'new'])
    takeover.reopened('new')
    takeover.wanted('new')
    expect([takeover.stepped(10, 'new'), takeover.content]).toEqual([false, 'new'])
  })

  it('a fork before that goes on with the old one', () => {
    const takeover = new Takeover('old')
    takeover.wanted('new')
    takeover.stepped(7, 'new')
    takeover.reopened(takeover.content)
    expect(takeover.snapshotStored(8)).toBe(true)
    expect(takeover.content).toBe('new')
  })
})
