import { chains, foldName } from '../../core/chains.ts'
import { changeChain } from '../../core/change-chain.ts'
import { isAccountGone } from '../../core/erasures.ts'
import { nameKey } from '../../core/names.ts'
import type { ChainEntry, Store } from '../../core/ports/store-port.ts'
import { NAME_CLAIM_UNDECIDED } from '../../core/timing.ts'
import { nameClaimData, read } from './stored.ts'

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
  const exact = older === undefined ? undefined : holderOf(older, olderHead)
  return (exact ?? holderOf(own, ownHead))?.account
}

/**
 * Takes the name for an account that is about to be made; false when it is another's. A name whose account is gone, or was not made in time, is held by nobody and is taken over.
 * Throws Busy.
 */
export async function claimName(store: Store, name: string, account: string, now: number): Promise<boolean> {
  const { own, older } = chainsOf(name)
  if (older !== undefined) {
    const { held, holder } = await lookAt(store, older, now)
    if (held) return false
    // Nobody's, but it would go before ours.
    if (holder !== undefined) await freeChain(store, older, holder)
  }
  const seen = await lookAt(store, own, now)
  return changeChain(store, own, (head) => {
    const holder = holderOf(own, head)
    if (holder?.account === account) return { result: true }
    // What was found free may have been taken since: then the head is another one.
    if (holder !== undefined && (seen.held || head?.n !== seen.n)) return { result: false }
    return { record: { kind: 'claimed', data: { account, claimedAt: now } }, result: true }
  })
}

/** Gives the name back; one that is not the account's stays as it is. Throws Busy. */
export async function freeName(store: Store, name: string, account: string): Promise<void> {
  const { own, older } = chainsOf(name)
  await freeChain(store, own, account)
  if (older !== undefined) await freeChain(store, older, account)
}

async function freeChain(store: Store, chain: string, account: string): Promise<void> {
  await changeChain(
    store,
    chain,
    (head) =>
      holderOf(chain, head)?.account === account ? { record: { kind: 'freed', data: {} }, result: undefined } : { result: undefined },
    'always',
  )
}

/** Whether the name is somebody's, by the record of this number. */
async function lookAt(
  store: Store,
  chain: string,
  now: number,
): Promise<{ readonly held: boolean; readonly n: number; readonly holder?: string }> {
  const head = await store.head(chain)
  const n = head?.n ?? 0
  const holder = holderOf(chain, head)
  if (holder === undefined) return { held: false, n }
  const account = await store.head(chains.account(holder.account))
  const held = account === undefined ? now - holder.claimedAt < NAME_CLAIM_UNDECIDED : !isAccountGone(account)
  return { held, n, holder: holder.account }
}

function holderOf(chain: string, head: ChainEntry | undefined): { readonly account: string; readonly claimedAt: number } | undefined {
  return head === undefined || head.kind === 'freed' ? undefined : read(nameClaimData, chain, head)
}
