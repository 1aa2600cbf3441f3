import { chains } from '../../core/chains.ts'
import type { Clock } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { ArchivedStore } from '../../core/ports/store-archive-port.ts'
import { chainNames, putChain, readInUse, recordsOf } from './copying.ts'
import { cutCharacter, durableTick } from './cut.ts'
import { begin, complete, type Manifest, verify } from './manifest.ts'

export interface BackupDeps {
  /** The store that is served. */
  readonly from: ArchivedStore
  /** An empty one, which becomes the backup. */
  readonly to: ArchivedStore
  /** Another empty one, of no use afterwards: keeps a first look at every character. */
  readonly scratch: ArchivedStore
  readonly clock: Clock
  readonly log: Log
}

/** A chain is told of in the log when so many were copied. */
const TOLD_EVERY = 10_000

/**
 * Copies everything that the store holds while it is in use: characters are looked at before and after the layers, so that each thing is in one place only (cut.ts). What
 * the journal alone holds is not in it: a layer is as of its newest record. Throws StoreUnavailable, StoreCorrupt.
 */
export async function backUp({ from, to, scratch, clock, log }: BackupDeps): Promise<Omit<Manifest, 'begunAt' | 'completedAt'>> {
  await begin(to, clock.now())
  const isCharacter = (chain: string): boolean => chain.startsWith(chains.character(''))
  const isLayer = (chain: string): boolean => chain.startsWith('layer/')
  for await (const chain of counted(from, log, 'characters seen')) {
    if (!isCharacter(chain)) continue
    const head = await from.head(chain)
    if (head !== undefined) await putChain(scratch, chain, [head])
  }
  const durable = new Map<string, number>()
  for await (const chain of counted(from, log, 'layers copied')) {
    if (!isLayer(chain)) continue
    const entries = await readInUse(from, chain)
    durable.set(chain.slice('layer/'.length), durableTick(entries))
    await putChain(to, chain, entries)
  }
  let movedTwice = 0
  for await (const chain of counted(from, log, 'all copied')) {
    if (isLayer(chain)) continue
    if (!isCharacter(chain)) {
      await putChain(to, chain, await readInUse(from, chain))
      continue
    }
    const now = await from.head(chain)
    if (now === undefined) continue
    const { entry, exact } = cutCharacter(await scratch.head(chain), now, (layer) => durable.get(layer))
    if (!exact) movedTwice += 1
    await putChain(to, chain, [entry])
  }
  return { ...(await complete(to, clock.now(), movedTwice)), movedTwice }
}

async function* counted(store: ArchivedStore, log: Log, what: string): AsyncIterable<string> {
  let count = 0
  for await (const chain of chainNames(store)) {
    yield chain
    count += 1
    if (count % TOLD_EVERY === 0) log.info({ chains: count }, what)
  }
  log.info({ chains: count }, what)
}

export interface RestoreDeps {
  /** A backup. */
  readonly from: ArchivedStore
  /** A store without any record. */
  readonly to: ArchivedStore
  readonly log: Log
  /** Called when the backup is whole and the store has nothing, before anything is written: what it throws ends the restore. */
  readonly beforeWriting?: () => Promise<void>
}

/**
 * Reads the whole backup, and then copies it into a store that has nothing. Compares every chain's end at last. Throws StoreCorrupt for a damaged backup, ConfigInvalid for a store that
 * holds something: two pasts are not mixed.
 */
export async function restore({ from, to, log, beforeWriting }: RestoreDeps): Promise<Manifest> {
  const manifest = await verify(from)
  const [present] = await to.chains(undefined, 1)
  if (present !== undefined)
    throw new BailiwickError('ConfigInvalid', {
      asked: 'a restore',
      found: `a store that holds ${present}`,
      todo: 'give an empty database, or drop this one first',
    })
  await beforeWriting?.()
  for await (const chain of counted(from, log, 'chains restored')) {
    if (chain !== chains.backupManifest) await putChain(to, chain, recordsOf(from, chain))
  }
  for await (const chain of chainNames(from)) {
    if (chain === chains.backupManifest) continue
    const [asked, found] = await Promise.all([from.head(chain), to.head(chain)])
    if (asked?.n !== found?.n || asked?.nonce !== found?.nonce)
      throw new BailiwickError('StoreCorrupt', {
        asked: `record ${asked?.n} of ${chain}`,
        found: `record ${found?.n ?? 'none'} at its end`,
        todo: 'see that nothing else writes to the store, drop it and restore again',
      })
  }
  return manifest
}
