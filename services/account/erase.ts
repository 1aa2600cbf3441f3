import { isAccountGone } from '../../core/account-record.ts'
import { chains } from '../../core/chains.ts'
import type { Clock } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { Store } from '../../core/ports/store-port.ts'
import { deleteAccount } from '../auth/accounts.ts'
import { eraseKept } from '../auth/erasure.ts'
import { beginErasure, continueErasure } from '../characters/erase.ts'
import { readRoster } from '../characters/roster.ts'

export interface Erased {
  /** The account, its name and its sessions are gone. */
  readonly account: boolean
  /** Characters that a layer holds: they are erased when they come out of it. */
  readonly charactersInZones: number
}

/** Deletes an account and erases what the store keeps of it, characters without grace. What is left the services end by themselves. Safe to repeat. Throws AccountUnknown; what
 * kept it from being erased. */
export async function eraseEverything(deps: { readonly store: Store; readonly clock: Clock }, id: string): Promise<Erased> {
  const { store, clock } = deps
  const chain = chains.account(id)
  const head = await store.head(chain)
  if (head === undefined) throw new BailiwickError('AccountUnknown', { asked: id, todo: 'give its id' })
  if (!isAccountGone(chain, head)) await deleteAccount(deps, id)
  await beginErasure(store, id, clock.now())
  // The limit is for makings; here none goes on.
  await continueErasure({ store, clock, limit: 0 }, id)
  await eraseKept(deps, id)
  return {
    account: (await store.head(chain))?.kind === 'erased',
    charactersInZones: (await readRoster(store, id)).slots.length,
  }
}
