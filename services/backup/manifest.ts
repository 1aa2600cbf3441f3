import { chains } from '../../core/chains.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { ArchivedStore } from '../../core/ports/store-archive-port.ts'
import { z } from '../../core/validate/index.ts'
import type { Contents } from './copying.ts'
import { contentsOf } from './copying.ts'

/** Of what a backup is: a store in one file, whose chain `backup/manifest` says what the others hold. Another version is refused. */
export const BACKUP_VERSION = 1

const whole = z.number().int().min(0)
const begun = z.object({ version: whole, at: z.number() })
const completed = z.object({ at: z.number(), chains: whole, records: whole, bytes: whole, digest: z.string(), movedTwice: whole })

export interface Manifest extends Contents {
  /** When it was begun and completed, ms since the epoch. */
  readonly begunAt: number
  readonly completedAt: number
  /** Characters that moved more than once while it was made: each is as it was at some moment of that time, and may have a thing that a layer has too. */
  readonly movedTwice: number
}

export async function begin(file: ArchivedStore, at: number): Promise<void> {
  await file.append(chains.backupManifest, 1, 'begun', { kind: 'begun', data: { version: BACKUP_VERSION, at } })
}

export async function complete(file: ArchivedStore, at: number, movedTwice: number): Promise<Contents> {
  const contents = await contentsOf(file, chains.backupManifest)
  await file.append(chains.backupManifest, 2, 'complete', { kind: 'complete', data: { at, movedTwice, ...contents } })
  return contents
}

/** Reads all of a backup and compares it with its manifest. Throws StoreCorrupt when it is no backup, was not completed, or is not as it was written; ConfigInvalid for another version. */
export async function verify(file: ArchivedStore): Promise<Manifest> {
  const [first, second] = await file.read(chains.backupManifest, 1, 2)
  const start = begun.safeParse(first?.data)
  if (!start.success) throw damaged('no manifest: it is not a backup')
  if (start.data.version !== BACKUP_VERSION)
    throw new BailiwickError('ConfigInvalid', {
      asked: 'a backup',
      found: `one of version ${start.data.version}, where ${BACKUP_VERSION} is read`,
      todo: 'use the release that made it',
    })
  const end = completed.safeParse(second?.data)
  if (!end.success) throw damaged('no end: it was broken off while it was made')
  const found = await contentsOf(file, chains.backupManifest)
  const { at, movedTwice, ...said } = end.data
  if (found.digest !== said.digest || found.records !== said.records)
    throw damaged(`${found.records} records with hash ${found.digest}, where ${said.records} with ${said.digest} were written`)
  return { ...said, movedTwice, begunAt: start.data.at, completedAt: at }
}

function damaged(found: string): BailiwickError {
  return new BailiwickError('StoreCorrupt', { asked: 'a backup', found, todo: 'take another one' })
}
