import { chains, foldName } from '../../core/chains.ts'
import { changeChain } from '../../core/change-chain.ts'
import { isAccountGone } from '../../core/erasures.ts'
import { nameKey } from '../../core/names.ts'
import type { ChainEntry, Store } from '../../core/ports/store-port.ts'
import { NAME_CLAIM_UNDECIDED } from '../../core/timing.ts'
import { nameClaimData, read } from './stored.ts'

/** Where the claim of a name may be: under its key, or, made by the first release, under the folded name. Depends on the text of the name alone. */
function chainsOf(name: string): readonly string[] {
  return [...new Set([chains.accountName(nameKey(name)), chains.accountName(foldName(name))])]
}

/** Which account has the name, or undefined. The same reads whether somebody has it or not. */
export async function nameHolder(store: Store, name: string): Promise<string | undefined> {
  let holder: string | undefined
  for (const chain of chainsOf(name)) holder ??= holderOf(chain, await store.head(chain))?.account
  return holder
}

/**
 * Takes the name for an account that is about to be made; false when it is another's. A name whose account is gone, or was not made in time, is held by nobody and is taken over.
 * Throws Busy.
 */
export async function claimName(store: Store, name: string, account: string, now: number): Promise<boolean> {
  const [chain = '', ...older] = chainsOf(name)
  for (const other of older) if ((await lookAt(store, other, now)).held) return false
  const seen = await lookAt(store, chain, now)
  return changeChain(store, chain, (head) => {
    const holder = holderOf(chain, head)
    if (holder?.account === account) return { result: true }
    // What was found free may have been taken since: then the head is another one.
    if (holder !== undefined && (seen.held || head?.n !== seen.n)) return { result: false }
    return { record: { kind: 'claimed', data: { account, claimedAt: now } }, result: true }
  })
}

/** Gives the name back; one that is not the account's stays as it is. Throws Busy. */
export async function freeName(store: Store, name: string, account: string): Promise<void> {
  for (const chain of chainsOf(name)) {
    await changeChain(
      store,
      chain,
      (head) =>
        holderOf(chain, head)?.account === account ? { record: { kind: 'freed', data: {} }, result: undefined } : { result: undefined },
      'always',
    )
  }
}

/** Whether the name is somebody's, by the record of this number. */
async function lookAt(store: Store, chain: string, now: number): Promise<{ readonly held: boolean; readonly n: number }> {
  const head = await store.head(chain)
  const n = head?.n ?? 0
  const holder = holderOf(chain, head)
  if (holder === undefined) return { held: false, n }
  const account = await store.head(chains.account(holder.account))
  return { held: account === undefined ? now - holder.claimedAt < NAME_CLAIM_UNDECIDED : !isAccountGone(account), n }
}

function holderOf(chain: string, head: ChainEntry | undefined): { readonly account: string; readonly claimedAt: number } | undefined {
  return head === undefined || head.kind === 'freed' ? undefined : read(nameClaimData, chain, head)
}
