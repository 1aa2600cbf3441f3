import process from 'node:process'
import { systemClock } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { ArchivedStore } from '../../core/ports/store-archive-port.ts'
import { variables } from '../../platform/config/index.ts'
import { runProgram } from '../../platform/http/index.ts'
import { createMongoStore } from '../../platform/mongo/index.ts'
import { createSqliteStore } from '../../platform/sqlite/index.ts'
import { readCommand } from './command.ts'
import { runCommand } from './run.ts'

const shape = {
  /** The store: one of the two. */
  MONGODB_URL: variables.url('mongodb', 'mongodb+srv').optional(),
  SQLITE_FILE: variables.text('the path of a file').optional(),
  MONGODB_DATABASE: variables.text('the name of a database').default('bailiwick'),
  /** For a restore. */
  REDIS_URL: variables.url('redis', 'rediss').optional(),
}

/** `node services/backup/main.ts create FILE | verify FILE | restore FILE [--empty-index]`: docs/backup.md. Ends with exit code 1 when it could not. */
runProgram('backup', shape, async ({ config, log }) => {
  const command = readCommand(process.argv.slice(2))
  const openStore = async (): Promise<ArchivedStore> => {
    if ((config.MONGODB_URL === undefined) === (config.SQLITE_FILE === undefined))
      throw new BailiwickError('ConfigInvalid', {
        asked: 'a store',
        found: 'not exactly one',
        todo: 'set either MONGODB_URL or SQLITE_FILE',
      })
    if (config.MONGODB_URL !== undefined) return createMongoStore({ url: config.MONGODB_URL, database: config.MONGODB_DATABASE })
    return createSqliteStore({ file: config.SQLITE_FILE ?? '' })
  }
  const done = runCommand(command, { openStore, redisUrl: config.REDIS_URL, timers: systemClock, log })
  return { done, close: async () => undefined }
})
