import { describe, expect, test } from 'vitest'
import { chains } from '../../core/chains.ts'
import { ManualClock } from '../../core/clock.ts'
import { erasers } from '../../core/erasures.ts'
import { silentLog as log } from '../../core/ports/log-port.ts'
import type { ArchivedStore } from '../../core/ports/store-archive-port.ts'
import type { ChainEntry, StoredRecord } from '../../core/ports/store-port.ts'
import { kindOf } from '../../core/store-record.ts'
import { createSqliteStore } from '../../platform/sqlite/index.ts'
import { backUp } from '../../services/backup/backup.ts'
import { restore } from '../../services/backup/restore.ts'

/** More than are read at once. */
const RECORDS = 9
const PRUNED_BELOW = 3

const { erasureCursor, erasureRetry, ...others } = chains
/** One chain of every kind that there is; of the erasers' cursors all. */
const names: readonly string[] = Object.values(others)
  .map((name) => (typeof name === 'string' ? name : name('game/meadow/0')))
  .concat(erasers.map(erasureCursor))
  .concat(erasers.map((eraser) => erasureRetry(eraser, 'game')))
  .filter((name) => !name.startsWith('backup/'))

/** What a backup of a store behind this driver keeps, restored into another one. `open`: a store without any record. */
export function backupContract(name: string, open: () => Promise<ArchivedStore>): void {
  describe(`backup contract: ${name}`, () => {
    test('every kind of chain is there again, with numbers, nonces, blobs and what is due', async () => {
      const inMemory = (): Promise<ArchivedStore> => createSqliteStore({ file: ':memory:' })
      const [live, target, to, scratch] = await Promise.all([open(), open(), inMemory(), inMemory()])
      const before = new Map<string, readonly ChainEntry[]>()
      const fill = async (chain: string): Promise<void> => {
        for (let n = 1; n <= RECORDS; n++) await live.append(chain, n, `${n} of ${chain}`, recordOf(chain, n))
        await live.prune(chain, PRUNED_BELOW)
        const kept = await live.read(chain, 1, RECORDS)
        expect(kept.length, chain).toBe(RECORDS - PRUNED_BELOW + 1)
        before.set(chain, chain.startsWith('character/') ? kept.slice(-1) : kept)
      }
      await Promise.all(names.map(fill))
      await backUp({ from: live, to, scratch, clock: new ManualClock(), log })
      await restore({ from: to, to: target, log })
      for (const [chain, entries] of before) {
        expect(await target.read(chain, 1, RECORDS), chain).toEqual(entries)
        const kind = kindOf(chain)
        if (kind === undefined) continue
        const same = names.filter((other) => kindOf(other) === kind).sort()
        for (const store of [live, target]) expect([...(await store.due(kind, dueOf(RECORDS), 10))].sort(), kind).toEqual(same)
        expect(await target.due(kind, dueOf(PRUNED_BELOW) - 1, 10), kind).toEqual([])
      }
      await Promise.all([live, target, to, scratch].map((store) => store.close()))
    }, 60_000)
  })
}

const dueOf = (n: number): number => 1_700_000_000_000 + n

/** A layer's second newest snapshot is the oldest record that is left, so that all of it is of use. An eraser's cursor is before every wish. */
function recordOf(chain: string, n: number): StoredRecord {
  const kind = n === PRUNED_BELOW || n === RECORDS - 1 ? 'snapshot' : 'segment'
  const lastSnapshot = n <= PRUNED_BELOW ? 0 : n === RECORDS ? RECORDS - 1 : PRUNED_BELOW
  const blob = chain.startsWith('layer/') ? { blob: Uint8Array.of(1, 2, n) } : {}
  return { kind, data: { lastSnapshot, tick: n, to: n, through: PRUNED_BELOW }, ...blob, due: dueOf(n) }
}
