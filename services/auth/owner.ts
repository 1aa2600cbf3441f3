import { systemClock } from '../../core/clock.ts'
import { BailiwickError, describeError } from '../../core/errors.ts'
import type { Store } from '../../core/ports/store-port.ts'
import { readConfig, variables } from '../../platform/config/index.ts'
import { createMongoStore } from '../../platform/mongo/index.ts'
import { createSqliteStore } from '../../platform/sqlite/index.ts'
import { findAccount } from './accounts.ts'
import { nameHolder } from './name-claims.ts'
import { makeOwner } from './staff.ts'

/** `node services/auth/owner.ts NAME`: makes the account of this name the owner of the world, with the store itself: whoever can reach that may. */
const shape = {
  MONGODB_URL: variables.url('mongodb', 'mongodb+srv').optional(),
  MONGODB_DATABASE: variables.text('the name of a database').default('bailiwick'),
  SQLITE_FILE: variables.text('the file of an embedded world').optional(),
}

async function run(name: string | undefined): Promise<string> {
  if (name === undefined) throw new BailiwickError('InvalidInput', { found: 'no name', todo: 'node services/auth/owner.ts NAME' })
  const store = await openStore()
  try {
    const holder = await nameHolder(store, name)
    const account = holder === undefined ? undefined : await findAccount(store, holder)
    if (account === undefined) throw new BailiwickError('AccountUnknown', { asked: name, todo: 'register it first' })
    await makeOwner(store, account.id, systemClock.now())
    return `${account.name} is the owner`
  } finally {
    await store.close()
  }
}

async function openStore(): Promise<Store> {
  const { MONGODB_URL: url, MONGODB_DATABASE: database, SQLITE_FILE: file } = readConfig(shape, process.env)
  if (url !== undefined) return createMongoStore({ url, database })
  if (file !== undefined) return createSqliteStore({ file })
  throw new BailiwickError('ConfigInvalid', { found: 'no store', todo: 'set MONGODB_URL, or SQLITE_FILE for an embedded world' })
}

try {
  process.stdout.write(`${await run(process.argv[2])}\n`)
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`)
  process.exitCode = 1
}
