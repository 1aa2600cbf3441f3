import { createHash } from 'node:crypto'
import { chains } from '../../core/chains.ts'
import { changeChain } from '../../core/change-chain.ts'
import { isAccountGone } from '../../core/erasures.ts'
import type { ChainEntry, Store } from '../../core/ports/store-port.ts'
import { NAME_CLAIM_UNDECIDED } from '../../core/timing.ts'
import { accountData, identityClaimData, read } from './stored.ts'

/** Somebody, as an issuer of accounts knows them: its identifier, and which of its accounts. Never an address of mail, which others may get later. */
export interface Identity {
  readonly issuer: string
  readonly subject: string
}

/** What an identity is claimed under: its hash, so that no chain is named after a person. */
export function identityKey({ issuer, subject }: Identity): string {
  return createHash('sha256')
    .update(JSON.stringify([issuer, subject]))
    .digest('base64url')
}

/** The account that the identity opens, or undefined: nobody claimed it, or whoever did has it not (any more). */
export async function identityHolder(store: Store, key: string): Promise<string | undefined> {
  const chain = chains.identity(key)
  const claim = claimOf(chain, await store.head(chain))
  if (claim === undefined) return undefined
  return (await standingOf(store, key, claim.account)) === 'agrees' ? claim.account : undefined
}

/**
 * Takes the identity for an account that is about to have it; false when it is another's, or may be in a moment. A claim counts only while its account lives and names the identity; one whose account does not
 * is void after NAME_CLAIM_UNDECIDED, and taken over. Throws Busy.
 */
export async function claimIdentity(store: Store, key: string, account: string, now: number): Promise<boolean> {
  const chain = chains.identity(key)
  const seen = await store.head(chain)
  const isHeld = await holds(store, key, claimOf(chain, seen), now)
  return changeChain(store, chain, (head) => {
    const claim = claimOf(chain, head)
    if (claim?.account === account) return { result: true }
    // What was found free may have been taken since: then the head is another one.
    if (claim !== undefined && (isHeld || head?.n !== seen?.n)) return { result: false }
    return { record: { kind: 'claimed', data: { account, claimedAt: now } }, result: true }
  })
}

/** Gives the identity back; one that is not the account's stays as it is. Throws Busy. */
export async function freeIdentity(store: Store, key: string, account: string): Promise<void> {
  const chain = chains.identity(key)
  await changeChain(
    store,
    chain,
    (head) =>
      claimOf(chain, head)?.account === account ? { record: { kind: 'freed', data: {} }, result: undefined } : { result: undefined },
    'always',
  )
}

type Claim = { readonly account: string; readonly claimedAt: number }

async function holds(store: Store, key: string, claim: Claim | undefined, now: number): Promise<boolean> {
  if (claim === undefined) return false
  const standing = await standingOf(store, key, claim.account)
  return standing === 'agrees' || (standing === 'not yet' && now - claim.claimedAt < NAME_CLAIM_UNDECIDED)
}

/** What the chain of the account says of the claim. */
async function standingOf(store: Store, key: string, account: string): Promise<'agrees' | 'not yet' | 'gone'> {
  const chain = chains.account(account)
  const head = await store.head(chain)
  if (head === undefined) return 'not yet'
  if (isAccountGone(head)) return 'gone'
  const { identities = [] } = read(accountData, chain, head)
  return identities.some((each) => identityKey(each) === key) ? 'agrees' : 'not yet'
}

function claimOf(chain: string, head: ChainEntry | undefined): Claim | undefined {
  return head === undefined || head.kind === 'freed' ? undefined : read(identityClaimData, chain, head)
}
