import { chains } from '../../core/chains.ts'
import type { Clock } from '../../core/clock.ts'
import { erasers } from '../../core/erasures.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { ArchivedStore } from '../../core/ports/store-archive-port.ts'
import { chainNames, putChain, recordsInUse, recordsOf } from './copying.ts'
import { counted } from './counted.ts'
import { cutCharacter, durableTick } from './cut.ts'
import { begin, complete, type Manifest } from './manifest.ts'
import { Spool } from './spool.ts'

export interface BackupDeps {
  /** The store that is served. */
  readonly from: ArchivedStore
  /** An empty one, which becomes the backup. */
  readonly to: ArchivedStore
  /** Another empty one, of no use afterwards: keeps a first look at every character, and what is read of one chain. */
  readonly scratch: ArchivedStore
  readonly clock: Clock
  readonly log: Log
}

/**
 * Copies everything that the store holds while it is in use: characters are looked at before and after the layers, so that each thing is in one place only (cut.ts). What
 * the journal alone holds is not in it: a layer is as of its newest record. Throws StoreUnavailable, StoreCorrupt, Busy.
 *
 * What is begun in a character's chain and done in others (its slot in the roster of its account, the claim of its name) is copied in that order, character first: then the copy knows of a
 * character that its roster has, or has not yet, what is left to do. A roster that was copied first would lack whoever was made meanwhile, for good; a slot without a character is passed over.
 *
 * Erasures go on meanwhile, and what was copied before it was erased must be erased again where the copy is restored: how far each eraser is is copied first, the wishes last, and
 * accounts behind all that is theirs. So whose account is copied alive has lost nothing yet, and for whose is not there is a wish that no eraser has passed.
 */
export async function backUp({ from, to, scratch, clock, log }: BackupDeps): Promise<Omit<Manifest, 'begunAt' | 'completedAt'>> {
  await begin(to, clock.now())
  const spool = new Spool(scratch)
  const copy = (chain: string): Promise<number> => putChain(to, chain, recordsInUse(from, chain, spool))
  const each = async (what: string, is: (chain: string) => boolean, work: (chain: string) => Promise<unknown>): Promise<void> => {
    for await (const chain of counted(chainNames(from), log, what)) if (is(chain)) await work(chain)
  }

  for (const eraser of erasers) await copy(chains.erasureCursor(eraser))
  await each('characters seen', isCharacter, async (chain) => {
    const head = await from.head(chain)
    if (head !== undefined) await putChain(scratch, chain, [head])
  })
  const durable = new Map<string, number>()
  await each('layers copied', isLayer, async (chain) => {
    await copy(chain)
    durable.set(chain.slice('layer/'.length), await durableTick(recordsOf(to, chain, 'withoutBlobs')))
  })
  let movedTwice = 0
  await each('characters copied', isCharacter, async (chain) => {
    const now = await from.head(chain)
    if (now === undefined) return
    const { entry, exact } = cutCharacter(await scratch.head(chain), now, (layer) => durable.get(layer))
    if (!exact) movedTwice += 1
    await putChain(to, chain, [entry])
  })
  await each('all but accounts copied', isOther, copy)
  await each('all copied', isAccount, copy)
  await copy(chains.erasures)
  await requireWishes(to)
  return { ...(await complete(to, clock.now(), movedTwice)), movedTwice }
}

/** Wishes are kept for days (ERASURE_KEPT); still, one that waited as long as that is forgotten as soon as it is done. Throws Busy. */
async function requireWishes(to: ArchivedStore): Promise<void> {
  const [oldest] = await to.read(chains.erasures, 1, 1)
  for (const eraser of erasers) {
    const through = (await to.head(chains.erasureCursor(eraser)))?.data['through'] ?? 0
    if (oldest !== undefined && oldest.n > Number(through) + 1)
      throw new BailiwickError('Busy', {
        asked: 'a backup',
        found: `wishes for erasures behind ${Number(through)} that were forgotten while it was made`,
        todo: 'take another one',
      })
  }
}

const isCharacter = (chain: string): boolean => chain.startsWith(chains.character(''))
const isLayer = (chain: string): boolean => chain.startsWith('layer/')
const isAccount = (chain: string): boolean => chain.startsWith(chains.account(''))
/** Of a backup, or of a restore: says nothing of the world. */
const isOurs = (chain: string): boolean => chain.startsWith('backup/')
const copiedByName: ReadonlySet<string> = new Set([chains.erasures, ...erasers.map(chains.erasureCursor)])
const isOther = (chain: string): boolean =>
  !(isCharacter(chain) || isLayer(chain) || isAccount(chain) || isOurs(chain) || copiedByName.has(chain))
