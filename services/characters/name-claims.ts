import { chains, foldName } from '../../core/chains.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { ChainEntry, Store } from '../../core/ports/store-port.ts'
import { z } from '../../core/validate/index.ts'

const claimData = z.object({ character: z.string() })
const TRIES = 8

/** Takes the name for the character: true when it has it afterwards, also from an earlier try; false when it is another's. Throws Busy. */
export async function claimName(store: Store, name: string, character: string): Promise<boolean> {
  const chain = chains.characterName(foldName(name))
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const head = await store.head(chain)
    const holder = holderOf(chain, head)
    if (holder !== undefined) return holder === character
    const record = { kind: 'claimed', data: { character, name } }
    if ((await store.append(chain, (head?.n ?? 0) + 1, `claim ${character}`, record)) === 'Done') return true
  }
  throw busy(name)
}

/** Gives the name back; one that is not the character's stays as it is. Throws Busy. */
export async function freeName(store: Store, name: string, character: string): Promise<void> {
  const chain = chains.characterName(foldName(name))
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const head = await store.head(chain)
    if (head === undefined || holderOf(chain, head) !== character) return
    const n = head.n + 1
    if ((await store.append(chain, n, `free ${character}`, { kind: 'freed', data: { character } })) === 'Conflict') continue
    await store.prune(chain, n)
    return
  }
  throw busy(name)
}

/** Whose the name is now, or undefined. */
export async function nameHolder(store: Store, name: string): Promise<string | undefined> {
  const chain = chains.characterName(foldName(name))
  return holderOf(chain, await store.head(chain))
}

function holderOf(chain: string, head: ChainEntry | undefined): string | undefined {
  if (head === undefined || head.kind === 'freed') return undefined
  const result = claimData.safeParse(head.data)
  if (!result.success) throw new BailiwickError('StoreCorrupt', { asked: `record ${head.n} of ${chain}`, cause: result.error })
  return result.data.character
}

function busy(name: string): BailiwickError {
  return new BailiwickError('Busy', { asked: name, found: 'others who want this name', todo: 'try again', retryAfterMs: 1_000 })
}
