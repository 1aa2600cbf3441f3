import { chains } from '../../core/chains.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { ArchivedStore } from '../../core/ports/store-archive-port.ts'
import { chainNames, digestOf, putChain, recordsOf } from './copying.ts'
import { counted } from './counted.ts'
import { type Manifest, verify } from './manifest.ts'

export interface RestoreDeps {
  /** A backup. */
  readonly from: ArchivedStore
  /** A store without any record, or one into which this very backup was begun to be restored. */
  readonly to: ArchivedStore
  readonly log: Log
  /** Called when the backup is whole and the store has nothing else, before anything is written: what it throws ends the restore. */
  readonly beforeWriting?: () => Promise<void>
}

/**
 * Reads the whole backup, and then copies it into a store that has nothing; one that was broken off is gone on with, because each of its writes may be repeated. Reads all of it back and
 * compares at last. Throws StoreCorrupt for a damaged backup, ConfigInvalid for a store that holds something else: two pasts are not mixed.
 */
export async function restore({ from, to, log, beforeWriting }: RestoreDeps): Promise<Manifest> {
  const manifest = await verify(from)
  await requireOurs(to, manifest, log)
  await beforeWriting?.()
  await mark(to, 1, { kind: 'begun', data: { digest: manifest.digest } })
  for await (const chain of counted(chainNames(from), log, 'chains restored'))
    if (chain !== chains.backupManifest) await putChain(to, chain, recordsOf(from, chain))
  await compare(from, to, log)
  await mark(to, 2, { kind: 'complete', data: { digest: manifest.digest } })
  return manifest
}

async function requireOurs(to: ArchivedStore, { digest }: Manifest, log: Log): Promise<void> {
  const [present] = await to.chains(undefined, 1)
  if (present === undefined) return
  const [begun, complete] = await to.read(chains.restored, 1, 2)
  if (begun?.data['digest'] !== digest || complete !== undefined)
    throw new BailiwickError('ConfigInvalid', {
      asked: 'a restore',
      found: `a store that holds ${present}`,
      todo: 'give an empty database, or drop this one first',
    })
  log.warn({}, 'a restore of this backup was broken off; it is gone on with')
}

/** Nonces are the same each time, so that a mark may be made again. */
async function mark(to: ArchivedStore, n: 1 | 2, record: Parameters<ArchivedStore['append']>[3]): Promise<void> {
  if ((await to.append(chains.restored, n, `${record.kind} ${String(record.data['digest'])}`, record)) === 'Conflict')
    throw disturbed(chains.restored, 'another restore')
}

/** Every chain is there as in the backup, and no other. */
async function compare(from: ArchivedStore, to: ArchivedStore, log: Log): Promise<void> {
  for await (const chain of counted(chainNames(from), log, 'chains compared')) {
    if (chain === chains.backupManifest) continue
    const [asked, found] = await Promise.all([digestOf(from, chain), digestOf(to, chain)])
    if (asked !== found) throw disturbed(chain, `other records: ${found} instead of ${asked}`)
  }
  for await (const chain of chainNames(to)) {
    if (chain !== chains.restored && (await from.head(chain)) === undefined) throw disturbed(chain, 'a chain that is not in the backup')
  }
}

function disturbed(asked: string, found: string): BailiwickError {
  return new BailiwickError('StoreCorrupt', { asked, found, todo: 'see that nothing else writes to the store, drop it and restore again' })
}
