import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, test } from 'vitest'
import { createSqliteStore } from '../../platform/sqlite/index.ts'
import { backupContract } from './backup-contract.ts'
import { storeArchiveContract } from './store-archive-contract.ts'
import { storeContract } from './store-contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'bailiwick-sqlite-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const record = { kind: 'x', data: {} }

storeContract('SQLite', { open: () => createSqliteStore({ file: join(folder, 'made', 'store.db') }), runs: 60 })
storeArchiveContract('SQLite', () => createSqliteStore({ file: join(folder, 'made', 'store.db') }))
backupContract('SQLite', () => createSqliteStore({ file: ':memory:' }))

describe('SQLite', () => {
  test('what was appended is there after closing and opening again', async () => {
    const file = join(folder, 'again.db')
    const first = await createSqliteStore({ file })
    await first.append('c', 1, 'a', record)
    await first.close()
    await expect(first.head('c')).rejects.toMatchObject({ code: 'StoreUnavailable' })
    const second = await createSqliteStore({ file })
    expect(await second.head('c')).toMatchObject({ n: 1, nonce: 'a' })
    await second.close()
  })

  test('a file that another holds: StoreUnavailable after the deadline, well again afterwards', async () => {
    const file = join(folder, 'held.db')
    const store = await createSqliteStore({ file, deadlineMs: 100 })
    const holder = new DatabaseSync(file)
    holder.exec('BEGIN IMMEDIATE')
    await expect(store.append('c', 1, 'a', record)).rejects.toMatchObject({ code: 'StoreUnavailable' })
    expect(await store.head('c')).toBeUndefined()
    holder.exec('ROLLBACK')
    expect(await store.append('c', 1, 'a', record)).toBe('Done')
    holder.close()
    await store.close()
  })

  test('the event loop runs while it waits for another', async () => {
    const file = join(folder, 'loop.db')
    const store = await createSqliteStore({ file })
    const holder = new DatabaseSync(file)
    holder.exec('BEGIN IMMEDIATE')
    let turns = 0
    const appended = store.append('c', 1, 'a', record)
    await expect.poll(() => ++turns).toBeGreaterThan(3)
    holder.exec('COMMIT')
    expect(await appended).toBe('Done')
    holder.close()
    await store.close()
  })

  test('a file that is no database is StoreCorrupt', async () => {
    const file = join(folder, 'text.db')
    writeFileSync(file, 'this is no database, it is a text that is long enough to be looked at as one'.repeat(20))
    await expect(createSqliteStore({ file })).rejects.toMatchObject({ code: 'StoreCorrupt' })
  })

  test('a file of format 1 is brought up to date, by several at once, and keeps what it has', async () => {
    const file = join(folder, 'older.db')
    const older = new DatabaseSync(file)
    older.exec(`
      CREATE TABLE records (
        chain TEXT NOT NULL, n INTEGER NOT NULL, nonce TEXT NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL, blob BLOB, PRIMARY KEY (chain, n)
      ) STRICT;
      INSERT INTO records VALUES ('c/1', 1, 'a', 'x', '{"old":true}', NULL);
      PRAGMA user_version = 1`)
    older.close()
    const stores = await Promise.all([1, 2, 3].map(() => createSqliteStore({ file })))
    for (const store of stores) expect(await store.head('c/1')).toEqual({ n: 1, nonce: 'a', kind: 'x', data: { old: true } })
    expect(await stores[0]?.append('c/1', 2, 'b', { ...record, due: 5 })).toBe('Done')
    expect(await stores[1]?.due('c', 5, 1)).toEqual(['c/1'])
    await Promise.all(stores.map((store) => store.close()))
  })

  test('a file of a newer format is refused and left alone', async () => {
    const file = join(folder, 'newer.db')
    const newer = new DatabaseSync(file)
    newer.exec('PRAGMA user_version = 99')
    newer.close()
    await expect(createSqliteStore({ file })).rejects.toMatchObject({ code: 'ConfigInvalid' })
  })

  test('worker threads that open one new file and contend for numbers share them out', async () => {
    const file = join(folder, 'threads.db')
    const work = new URL('./store-sqlite-worker.ts', import.meta.url)
    const wins = await Promise.all(
      ['a', 'b', 'c'].map(
        (label) =>
          new Promise<number[]>((resolve, reject) => {
            const worker = new Worker(work, { workerData: { file, label, upTo: 30 } })
            worker.once('message', resolve)
            worker.once('error', reject)
          }),
      ),
    )
    expect(wins.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1))
  })
})
