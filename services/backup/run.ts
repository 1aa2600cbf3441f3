import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Timers } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { ArchivedStore } from '../../core/ports/store-archive-port.ts'
import { createIndexKeys } from '../../platform/redis/index-keys.ts'
import { createSqliteStore } from '../../platform/sqlite/index.ts'
import { backUp } from './backup.ts'
import type { BackupCommand } from './command.ts'
import { requireEmptyIndex } from './index-check.ts'
import { verify } from './manifest.ts'
import { abandoned, backupName, surplus } from './names.ts'
import { patientStore } from './patient.ts'
import { restore } from './restore.ts'

export interface CommandDeps {
  /** The store that is served, or is to be. */
  readonly openStore: () => Promise<ArchivedStore>
  readonly redisUrl: string | undefined
  readonly timers: Timers
  readonly log: Log
}

/** Does what is asked for and tells the log. Throws what the command throws. */
export async function runCommand(command: BackupCommand, deps: CommandDeps): Promise<void> {
  if (command.do === 'create') await createAs(command, deps)
  else if (command.do === 'restore') await putBack(command.file, command.emptyIndex, deps)
  else deps.log.info({ ...(await reading(command.file, verify)) }, 'the backup is whole')
}

/** In a folder each backup has the time in its name; older ones are removed when the new one is there. */
async function createAs({ file, keep }: Extract<BackupCommand, { readonly do: 'create' }>, deps: CommandDeps): Promise<void> {
  if (keep === undefined) return create(file, deps)
  // Before: what is to be made may need the room.
  for (const name of abandoned(readdirSync(file), deps.timers.now())) {
    rmSync(join(file, name), { force: true })
    deps.log.warn({ file: name }, 'a backup that was broken off was removed')
  }
  await create(join(file, backupName(deps.timers.now())), deps)
  for (const name of surplus(readdirSync(file), keep)) {
    rmSync(join(file, name))
    deps.log.info({ file: name }, 'an older backup was removed')
  }
}

/** The file appears under its name when it is complete and on the disk. */
async function create(file: string, { openStore, timers, log }: CommandDeps): Promise<void> {
  if (existsSync(file))
    throw new BailiwickError('ConfigInvalid', { asked: `a backup ${file}`, found: 'a file that exists', todo: 'give another name' })
  const [part, scratchFile] = [`${file}.part`, `${file}.scratch`]
  const discard = (): void => {
    for (const one of [part, scratchFile]) rmSync(one, { force: true })
  }
  discard()
  const opened: ArchivedStore[] = []
  const open = async (store: Promise<ArchivedStore>): Promise<ArchivedStore> => {
    opened.push(await store)
    return store
  }
  try {
    const from = patientStore(await open(openStore()), timers, log)
    const to = await open(createSqliteStore({ file: part, use: 'copy' }))
    const scratch = await open(createSqliteStore({ file: scratchFile, use: 'copy' }))
    const made = await backUp({ from, to, scratch, clock: timers, log })
    await to.close()
    toDisk(part, 'r+')
    renameSync(part, file)
    toDisk(dirname(file), 'r')
    log.info({ file, ...made }, 'the backup is complete')
  } finally {
    await Promise.all(opened.map((store) => store.close()))
    discard()
  }
}

async function putBack(file: string, emptyIndex: boolean, { openStore, redisUrl, timers, log }: CommandDeps): Promise<void> {
  if (emptyIndex && redisUrl === undefined)
    throw new BailiwickError('ConfigInvalid', { asked: '--empty-index', found: 'no index', todo: 'set REDIS_URL' })
  const store = await openStore()
  try {
    const to = patientStore(store, timers, log)
    const beforeWriting = async (): Promise<void> => {
      if (redisUrl === undefined) log.warn({}, 'REDIS_URL is not set: whatever index there is must be empty before anything is started')
      else await requireEmptyIndex(createIndexKeys({ url: redisUrl, log }), { emptyIndex, timers, log })
    }
    const manifest = await reading(file, (from) => restore({ from, to, log, beforeWriting }))
    log.info({ file, ...manifest }, 'the store is restored')
  } finally {
    await store.close()
  }
}

async function reading<T>(file: string, work: (backup: ArchivedStore) => Promise<T>): Promise<T> {
  const backup = await createSqliteStore({ file, use: 'readOnly' })
  try {
    return await work(backup)
  } finally {
    await backup.close()
  }
}

/** A file, or the names in a folder. */
function toDisk(path: string, mode: 'r' | 'r+'): void {
  const handle = openSync(path, mode)
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
