import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { BailiwickError } from '../../core/errors.ts'

/** What a file is brought to, statement by statement of each format that it does not have yet. */
const formats = [
  `CREATE TABLE records (
     chain TEXT NOT NULL, n INTEGER NOT NULL, nonce TEXT NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL, blob BLOB,
     PRIMARY KEY (chain, n)
   ) STRICT`,
  `ALTER TABLE records ADD COLUMN due INTEGER;
   CREATE INDEX records_due ON records (due) WHERE due IS NOT NULL`,
] as const
const FORMAT = formats.length

/** How long one statement blocks this thread for another's lock. Short: the event loop stands still meanwhile; `untilFree` goes on waiting without blocking. */
const BLOCK_FOR_LOCK_MS = 5
const RETRY_AFTER_MS = 10

/**
 * live: shared, and what was answered Done survives a loss of power. copy: being written by us alone, whole or of no use, so that nothing is waited for. readOnly: the file
 * is not changed, and must be there.
 */
export type FileUse = 'live' | 'copy' | 'readOnly'

/** Opens the file (made with its folder when it is not there) as it is to be used. Throws SQLite's errors and ConfigInvalid. */
export function openDatabase(file: string, use: FileUse = 'live'): DatabaseSync {
  if (use !== 'readOnly' && file !== ':memory:') mkdirSync(dirname(resolve(file)), { recursive: true })
  const database = new DatabaseSync(file, { timeout: BLOCK_FOR_LOCK_MS, readOnly: use === 'readOnly' })
  try {
    // WAL: readers don't wait for writers. FULL: what was answered Done survives a loss of power, or a number could be given out twice.
    if (use === 'live') database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    if (use === 'copy') database.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF')
    if (use === 'readOnly') checkFormat(database, file)
    else if (formatOf(database) !== FORMAT) bringUp(database, file)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** What can't be changed has to be of this very format. */
function checkFormat(database: DatabaseSync, file: string): void {
  const format = formatOf(database)
  if (format === FORMAT) return
  const asked = `store ${file}`
  if (format === 0) throw new BailiwickError('StoreCorrupt', { asked, found: 'a database that is no store' })
  throw new BailiwickError('ConfigInvalid', {
    asked,
    found: `format ${format}, where ${FORMAT} is read`,
    todo: 'use the release that made it',
  })
}

/** Looks again behind the lock: several processes may open a file at once that is not up to date. */
function bringUp(database: DatabaseSync, file: string): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    const format = formatOf(database)
    if (format > FORMAT) {
      throw new BailiwickError('ConfigInvalid', {
        asked: `store ${file}`,
        found: `format ${format}, newer than this program`,
        todo: 'use a newer Bailiwick',
      })
    }
    for (const statements of formats.slice(format)) database.exec(statements)
    database.exec(`PRAGMA user_version = ${FORMAT}; COMMIT`)
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function formatOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
}

/** Runs `work`, again and again while another connection holds the file, at most until the deadline. Throws StoreUnavailable or StoreCorrupt. */
export async function untilFree<T>(asked: string, deadlineMs: number, work: () => T): Promise<T> {
  const end = performance.now() + deadlineMs
  for (;;) {
    try {
      return work()
    } catch (error) {
      if (error instanceof BailiwickError) throw error
      const code = primaryCode(error)
      const busy = code === 5 || code === 6
      if (!busy || performance.now() > end) throw translated(asked, code, error)
    }
    await new Promise((done) => setTimeout(done, RETRY_AFTER_MS * (0.5 + Math.random())))
  }
}

function primaryCode(error: unknown): number | undefined {
  const code = typeof error === 'object' && error !== null && 'errcode' in error ? error.errcode : undefined
  return typeof code === 'number' ? code & 0xff : undefined
}

function translated(asked: string, code: number | undefined, cause: unknown): BailiwickError {
  if (code === 11 || code === 26)
    return new BailiwickError('StoreCorrupt', { asked, found: 'a damaged file', todo: 'restore it from a backup', cause })
  const found = cause instanceof Error ? cause.message : String(cause)
  return new BailiwickError('StoreUnavailable', { asked, found, todo: 'try again', cause })
}
