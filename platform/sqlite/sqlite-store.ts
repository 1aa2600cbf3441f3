import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { BailiwickError } from '../../core/errors.ts'
import type { ArchivedStore } from '../../core/ports/store-archive-port.ts'
import type { ChainEntry } from '../../core/ports/store-port.ts'
import { checkDue, checkPlace, corrupt, decodeData, encodeAppend, hole, MAX_READ } from '../../core/store-record.ts'
import { STORE_CALL_DEADLINE } from '../../core/timing.ts'
import { type FileUse, openDatabase, untilFree } from './database.ts'

/** Behind every name of a chain. */
const LAST = '\u{10ffff}'

export interface SqliteOptions {
  /** Made when it is not there. Several processes and worker threads may open the same one. `:memory:` for tests. */
  readonly file: string
  /** Default: 'live'. */
  readonly use?: FileUse
  /** Default: STORE_CALL_DEADLINE. */
  readonly deadlineMs?: number
}

/** The store in one SQLite file. Throws StoreUnavailable when the file can't be opened, StoreCorrupt when it is no database. */
export async function createSqliteStore(options: SqliteOptions): Promise<ArchivedStore> {
  const deadlineMs = options.deadlineMs ?? STORE_CALL_DEADLINE
  const database = await untilFree(`opening ${options.file}`, deadlineMs, () => openDatabase(options.file, options.use))
  const statements = prepareAll(database)
  const run = <T>(asked: string, work: () => T): Promise<T> => {
    if (!database.isOpen) return Promise.reject(new BailiwickError('StoreUnavailable', { asked, found: 'a store that was closed' }))
    return untilFree(asked, deadlineMs, work)
  }
  return {
    async append(chain, n, nonce, record) {
      const data = encodeAppend(chain, n, nonce, record)
      return run(`append ${n} to ${chain}`, () =>
        atomically(database, () => {
          const head = numberOf(statements.headNumber.get(chain))
          if (n > head + 1) throw hole(chain, n)
          // At or below the head a number is taken: by the record that is there, or by one that was pruned.
          if (n <= head) return statements.one.get(chain, n)?.['nonce'] === nonce ? 'Done' : 'Conflict'
          statements.insert.run(chain, n, nonce, record.kind, data, record.blob ?? null, record.due ?? null)
          return 'Done'
        }),
      )
    },
    async head(chain) {
      checkPlace(chain, 1)
      const row = await run(`head of ${chain}`, () => statements.head.get(chain))
      return row === undefined ? undefined : entryOf(chain, row)
    },
    async read(chain, from, limit, which) {
      checkPlace(chain, from)
      const range = which === 'withoutBlobs' ? statements.bareRange : statements.range
      const rows = await run(`read of ${chain}`, () => range.all(chain, from, Math.min(Math.max(0, limit), MAX_READ)))
      return rows.map((row) => entryOf(chain, row))
    },
    async due(kind, before, limit) {
      checkDue(kind, before)
      // '0' is the character behind '/': between the two is every name that begins with `kind/`.
      const asked = [before, `${kind}/`, `${kind}0`, Math.min(Math.max(0, limit), MAX_READ)] as const
      const rows = await run(`what is due of ${kind}`, () => statements.due.all(...asked))
      return rows.map((row) => String(row['chain']))
    },
    async prune(chain, below) {
      checkPlace(chain, Math.max(1, below))
      await run(`prune of ${chain}`, () => relaxed(database, () => statements.prune.run(chain, below, chain)))
    },
    async remove(chain, n) {
      checkPlace(chain, n)
      return run(`removal of ${chain}`, () =>
        atomically(database, () => {
          const head = numberOf(statements.headNumber.get(chain))
          if (head !== 0 && head !== n) return 'Conflict'
          statements.remove.run(chain)
          return 'Done'
        }),
      )
    },
    async chains(after, limit, kind) {
      // '0' is the character behind '/'.
      const [first, end] = kind === undefined ? ['', LAST] : [`${kind}/`, `${kind}0`]
      const behind = after === undefined || after < first ? first : after
      const rows = await run('names of chains', () => statements.chains.all(behind, end, Math.min(Math.max(0, limit), MAX_READ)))
      return rows.map((row) => String(row['chain']))
    },
    async plant(chain, { n, nonce, ...record }) {
      const data = encodeAppend(chain, n, nonce, record)
      return run(`first record ${n} of ${chain}`, () =>
        atomically(database, () => {
          if (statements.first.get(chain) === undefined)
            statements.insert.run(chain, n, nonce, record.kind, data, record.blob ?? null, record.due ?? null)
          const first = statements.first.get(chain)
          return first?.['n'] === n && first['nonce'] === nonce ? 'Done' : 'Conflict'
        }),
      )
    },
    async ping() {
      await run('ping', () => statements.ping.get())
    },
    async close() {
      if (database.isOpen) database.close()
    },
  }
}

type Row = NonNullable<ReturnType<StatementSync['get']>>

function prepareAll(database: DatabaseSync) {
  return {
    insert: database.prepare('INSERT INTO records (chain, n, nonce, kind, data, blob, due) VALUES (?, ?, ?, ?, ?, ?, ?)'),
    headNumber: database.prepare('SELECT max(n) AS n FROM records WHERE chain = ?'),
    one: database.prepare('SELECT nonce FROM records WHERE chain = ? AND n = ?'),
    head: database.prepare('SELECT * FROM records WHERE chain = ? ORDER BY n DESC LIMIT 1'),
    range: database.prepare('SELECT * FROM records WHERE chain = ? AND n >= ? ORDER BY n LIMIT ?'),
    bareRange: database.prepare('SELECT n, nonce, kind, data, due FROM records WHERE chain = ? AND n >= ? ORDER BY n LIMIT ?'),
    due: database.prepare(
      'SELECT chain FROM records WHERE due <= ? AND chain > ? AND chain < ? GROUP BY chain ORDER BY min(due), chain LIMIT ?',
    ),
    first: database.prepare('SELECT n, nonce FROM records WHERE chain = ? ORDER BY n LIMIT 1'),
    // From name to name by the key, without a look at what is between.
    chains: database.prepare(`
      WITH RECURSIVE names(chain) AS (
        SELECT min(chain) FROM records WHERE chain > ?1 AND chain < ?2
        UNION ALL
        SELECT (SELECT min(chain) FROM records WHERE chain > names.chain AND chain < ?2) FROM names WHERE names.chain IS NOT NULL
      )
      SELECT chain FROM names WHERE chain IS NOT NULL LIMIT ?3`),
    prune: database.prepare('DELETE FROM records WHERE chain = ? AND n < ? AND n < (SELECT max(n) FROM records WHERE chain = ?)'),
    remove: database.prepare('DELETE FROM records WHERE chain = ?'),
    ping: database.prepare('SELECT count(*) FROM (SELECT 1 FROM records LIMIT 1)'),
  }
}

/** One transaction that has the write lock from its beginning: what it read is still so when it writes. */
function atomically<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    // A failed COMMIT may have rolled back by itself.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

/** Does not wait for the disk: what a loss of power brings back is pruned another time, and a number below the head stays taken. */
function relaxed<T>(database: DatabaseSync, work: () => T): T {
  database.exec('PRAGMA synchronous = NORMAL')
  try {
    return work()
  } finally {
    database.exec('PRAGMA synchronous = FULL')
  }
}

function numberOf(row: Row | undefined): number {
  const n = row?.['n']
  return typeof n === 'number' ? n : 0
}

function entryOf(chain: string, row: Row): ChainEntry {
  const { nonce, kind, data, blob, due } = row
  const n = numberOf(row)
  if (typeof nonce !== 'string' || typeof kind !== 'string') throw corrupt(chain, n)
  return {
    n,
    nonce,
    kind,
    data: decodeData(chain, n, data),
    ...(blob instanceof Uint8Array ? { blob } : {}),
    ...(typeof due === 'number' ? { due } : {}),
  }
}
