import { randomBytes } from 'node:crypto'
import { chains } from '../../core/chains.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { ChainEntry, Store } from '../../core/ports/store-port.ts'
import { z } from '../../core/validate/index.ts'

/** Each character takes a slot of its account, from before it has its name until after it has lost it. */
export const MAX_CHARACTERS = 8

export interface Slot {
  readonly character: string
  readonly name: string
  /** False from the first insert of its making to the last: it may have no name yet, and may not get it. */
  readonly made: boolean
}

const rosterData = z.object({ slots: z.array(z.object({ character: z.string(), name: z.string(), made: z.boolean() })) })

/** Others of the same account may change the roster between our read and our append so often. */
const TRIES = 12
const PRUNE_EVERY = 8

/** The slots of an account, in the order of their making. */
export async function readRoster(store: Store, account: string): Promise<readonly Slot[]> {
  const chain = chains.charactersOf(account)
  return slotsOf(chain, await store.head(chain))
}

/**
 * Changes the slots in one step; `change` gives the new ones, or those that it got for no change, and may throw. The insert of the next number decides
 * between two changes at once, so that a limit that `change` keeps is kept. Throws Busy when others are always faster.
 */
export async function changeRoster(store: Store, account: string, change: (slots: readonly Slot[]) => readonly Slot[]): Promise<void> {
  const chain = chains.charactersOf(account)
  const nonce = randomId()
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const head = await store.head(chain)
    const before = slotsOf(chain, head)
    const after = change(before)
    if (after === before) return
    const n = (head?.n ?? 0) + 1
    const slots = after.map(({ character, name, made }) => ({ character, name, made }))
    if ((await store.append(chain, n, nonce, { kind: 'roster', data: { slots } })) === 'Conflict') continue
    // Not each time: it takes as much as all the rest.
    if (n % PRUNE_EVERY === 0) await store.prune(chain, n)
    return
  }
  throw new BailiwickError('Busy', { found: "many changes of this account's characters at once", todo: 'try again', retryAfterMs: 1_000 })
}

/** 128 random bits. */
export function randomId(): string {
  return randomBytes(16).toString('base64url')
}

function slotsOf(chain: string, head: ChainEntry | undefined): readonly Slot[] {
  if (head === undefined) return []
  const result = rosterData.safeParse(head.data)
  if (!result.success) throw new BailiwickError('StoreCorrupt', { asked: `record ${head.n} of ${chain}`, cause: result.error })
  return result.data.slots
}
