import { chains, foldName } from '../../core/chains.ts'
import { nameKey } from '../../core/names.ts'
import type { Store } from '../../core/ports/store-port.ts'
import { accountOf, claimOf, free, freeUnlessHeld, type IsHeld, settle, take } from './claims.ts'

/**
 * Where the claim of a name may be: under its key, or, made by the first release, under the folded name. Depends on the text of the name alone. The older claim goes first: names that
 * look alike could be had by several then, and whoever has exactly this one keeps it, whoever has the key.
 */
function chainsOf(name: string): { readonly own: string; readonly older: string | undefined } {
  const [own, older] = [chains.accountName(nameKey(name)), chains.accountName(foldName(name))]
  return { own, older: older === own ? undefined : older }
}

/** Which account has the name, or undefined. The same reads whether somebody has it or not. */
export async function nameHolder(store: Store, name: string): Promise<string | undefined> {
  const { own, older } = chainsOf(name)
  const [ownHead, olderHead] = await Promise.all([store.head(own), older === undefined ? undefined : store.head(older)])
  const exact = older === undefined ? undefined : claimOf(older, olderHead)
  return (exact ?? claimOf(own, ownHead))?.account
}

/**
 * Takes the name for an account that is about to be made; false when it is another's. A name whose account is gone, or was not made in time, is held by nobody and is taken over.
 * Throws Busy.
 */
export async function claimName(store: Store, name: string, account: string, now: number): Promise<boolean> {
  const { own, older } = chainsOf(name)
  const isHeld = heldAt(store, now)
  // A claim of nobody's under the older key would go before ours.
  if (older !== undefined && (await freeUnlessHeld(store, older, isHeld))) return false
  return take(store, own, { account, claimedAt: now }, isHeld)
}

/** Gives the name back; one that is not the account's stays as it is. Throws Busy. */
export async function freeName(store: Store, name: string, account: string): Promise<void> {
  const { own, older } = chainsOf(name)
  await free(store, own, account)
  if (older !== undefined) await free(store, older, account)
}

/** What is done with the claim of a name that is due. Safe twice. Throws Busy. */
export function settleName(store: Store, chain: string, now: number): Promise<void> {
  return settle(store, chain, now, heldAt(store, now))
}

function heldAt(store: Store, now: number): IsHeld {
  return async (claim) => {
    const account = await accountOf(store, claim, now)
    if (typeof account === 'string') return account === 'not yet'
    return account.kind === 'created' || account.kind === 'changed'
  }
}
