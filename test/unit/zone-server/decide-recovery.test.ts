import { describe, expect, it } from 'vitest'
import type { JournalEntry } from '../../../core/ports/journal-port.ts'
import { decideRecovery, type RecoverySeen, type SeenRecord } from '../../../zone-server/decide-recovery.ts'

const entry = (tick: number, previous: number, epoch = 5): JournalEntry => ({
  ...{ epoch, tick, previous, batch: new Uint8Array(0), digest: '0000000000000000' },
})
const segment = (epoch: number, ...entries: readonly JournalEntry[]): SeenRecord => ({
  kind: 'segment',
  epoch,
  to: entries.at(-1)?.tick ?? 0,
  entries,
})
const lostSegment = (epoch: number, to: number): SeenRecord => ({ kind: 'segment', epoch, to, entries: undefined })
const open = (epoch: number, code = 'mine'): SeenRecord => ({ kind: 'open', epoch, code })
/** A snapshot of tick 12, whose newest entry is that of tick 10. */
const base = { epoch: 5, code: 'mine', tick: 12, entry: 10 }
const seen = (records: readonly SeenRecord[], journal: readonly JournalEntry[], over: Partial<RecoverySeen> = {}): RecoverySeen => ({
  ...{ base, records, journal, code: 'mine', ...over },
})
const replays = (ticks: readonly number[], tick: number, unstored: readonly number[]) => ({ do: 'replay', ticks, tick, unstored })
const stops = (code: string, found: RegExp) => ({ do: 'stop', code, found: expect.stringMatching(found) })

const table: readonly (readonly [string, RecoverySeen, object])[] = [
  ['nothing behind the snapshot', seen([], []), replays([], 12, [])],
  ['the journal’s tail', seen([], [entry(13, 10), entry(15, 13)]), replays([13, 15], 15, [13, 15])],
  ['a segment and the tail', seen([segment(5, entry(13, 10))], [entry(13, 10), entry(15, 13)]), replays([13, 15], 15, [15])],
  [
    'segments of two epochs',
    seen([segment(5, entry(13, 10)), open(22), segment(22, entry(14, 13))], [entry(16, 14, 22)]),
    replays([13, 14, 16], 16, [16]),
  ],
  [
    'the same entry in two segments',
    seen([segment(5, entry(13, 10)), segment(5, entry(13, 10), entry(14, 13))], []),
    replays([13, 14], 14, []),
  ],
  ['what is in the snapshot already is not replayed', seen([], [entry(9, 8), entry(10, 9), entry(13, 10)]), replays([13], 13, [13])],
  ['an entry is missing in the tail', seen([], [entry(13, 10), entry(16, 15)]), stops('StoreCorrupt', /entry 16 follows entry 15, but 13/)],
  ['the tail begins too late', seen([], [entry(16, 15)]), stops('StoreCorrupt', /16 follows entry 15, but 10/)],
  ['the journal lost its tail: the chain is enough', seen([segment(5, entry(13, 10))], []), replays([13], 13, [])],
  ['a damaged segment that the journal holds', seen([lostSegment(5, 13)], [entry(13, 10), entry(14, 13)]), replays([13, 14], 14, [13, 14])],
  ['a damaged segment that it does not hold', seen([lostSegment(5, 13)], []), stops('StoreCorrupt', /up to 10, though .* up to 13/)],
  [
    'a damaged segment between others',
    seen([lostSegment(5, 13), segment(5, entry(14, 13))], []),
    stops('StoreCorrupt', /14 follows entry 13, but 10/),
  ],
  [
    'a damaged snapshot whose past the journal holds',
    seen([{ kind: 'snapshot', epoch: 5, tick: 20, entry: 14 }], [entry(14, 10)]),
    replays([14], 20, [14]),
  ],
  [
    'a damaged snapshot whose past it does not hold',
    seen([{ kind: 'snapshot', epoch: 5, tick: 20, entry: 14 }], []),
    stops('StoreCorrupt', /up to 14/),
  ],
  ['closed in order, with idle ticks at the end', seen([{ kind: 'close', epoch: 5, tick: 30 }], []), replays([], 30, [])],
  [
    'a journal of a past that the chain has left',
    seen([open(22), segment(22, entry(13, 10, 22))], [entry(14, 13), entry(15, 14)]),
    replays([13], 13, []),
  ],
  ['entries of an epoch that nobody opened', seen([], [entry(13, 10, 6)]), stops('StoreCorrupt', /nobody opened/)],
  ['entries of other code', seen([], [entry(13, 10)], { base: { ...base, code: 'other' } }), stops('CodeMismatch', /other .* mine/)],
  ['entries of other code in a later epoch', seen([open(22, 'other')], [entry(13, 10, 22)]), stops('CodeMismatch', /other/)],
  [
    'a snapshot of other code with nothing behind it',
    seen([open(22, 'other')], [], { base: { ...base, code: 'other' } }),
    replays([], 12, []),
  ],
]

describe('recovery: contiguous or not at all', () => {
  for (const [name, given, expected] of table)
    it(name, () => {
      const recovery = decideRecovery(given)
      const told =
        recovery.do === 'stop'
          ? recovery
          : {
              ...{ do: recovery.do, tick: recovery.tick, ticks: recovery.entries.map(({ tick }) => tick) },
              unstored: recovery.unstored.map(({ tick }) => tick),
            }
      expect(told).toEqual(expected)
    })
})
