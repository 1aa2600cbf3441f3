import { existsSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { systemClock } from '../../core/clock.ts'
import { BailiwickError, describeError } from '../../core/errors.ts'
import type { Store } from '../../core/ports/store-port.ts'
import { readConfig, variables } from '../../platform/config/index.ts'
import { createMongoStore } from '../../platform/mongo/index.ts'
import { createSqliteStore } from '../../platform/sqlite/index.ts'
import { eraseEverything } from './erase.ts'
import { accountIdOf, exportAccount } from './export.ts'

const usage = `npm run account -- COMMAND ACCOUNT [options]

  export ACCOUNT   everything that is kept of an account (its id or name), as JSON
  erase ID         deletes an account (its id) for good, with its characters, without grace

  --data FOLDER    the data of an embedded world; else MONGODB_URL and MONGODB_DATABASE say where the store is`

const options = { data: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const

const shape = {
  MONGODB_URL: variables.url('mongodb', 'mongodb+srv'),
  MONGODB_DATABASE: variables.text('the name of a database').default('bailiwick'),
}

/** The command of those who run a world: what is kept of one account, and its erasure. Exit code 0: done; 1: not, or not all of it yet; 2: not understood. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const [command, account, ...more] = positionals
  const known = command === 'export' || command === 'erase'
  if (values.help === true || !known || account === undefined || more.length > 0) {
    process.stdout.write(`${usage}\n`)
    return values.help === true ? 0 : 2
  }
  const store = await openStore(values.data)
  try {
    return command === 'export' ? await printExport(store, account) : await printErased(store, account)
  } finally {
    await store.close()
  }
}

async function printExport(store: Store, idOrName: string): Promise<number> {
  const id = await accountIdOf(store, idOrName)
  process.stdout.write(`${JSON.stringify(await exportAccount(store, id, systemClock.now()), undefined, 2)}\n`)
  return 0
}

async function printErased(store: Store, id: string): Promise<number> {
  const { account, charactersInZones } = await eraseEverything({ store, clock: systemClock }, id)
  if (!account) process.stdout.write('The account is deleted; the auth service erases the rest.\n')
  else if (charactersInZones > 0) {
    process.stdout.write(
      `Erased, but ${charactersInZones} characters are in zones: the characters service erases them when they come out.\n`,
    )
  } else process.stdout.write('Erased.\n')
  return account && charactersInZones === 0 ? 0 : 1
}

async function openStore(data: string | undefined): Promise<Store> {
  if (data === undefined) {
    const config = readConfig(shape, process.env)
    return createMongoStore({ url: config.MONGODB_URL, database: config.MONGODB_DATABASE })
  }
  const file = join(data, 'store.sqlite')
  if (existsSync(file)) return createSqliteStore({ file })
  throw new BailiwickError('ConfigInvalid', { asked: file, found: 'no such file', todo: 'name the folder that npm start has as --data' })
}

main().then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    process.stderr.write(`${describeError(error)}\n`)
    process.exitCode = 1
  },
)
