import { createHash } from 'node:crypto'
import type { AccountRecord } from '../../core/account-record.ts'
import { readAccountRecord } from '../../core/account-record.ts'
import { chains } from '../../core/chains.ts'
import { idOf } from '../../core/due-sweep.ts'
import type { Store } from '../../core/ports/store-port.ts'
import { accountOf, claimOf, doubt, free, freeUnlessHeld, type IsHeld, isUndecided, settle, take } from './claims.ts'

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
  const account = await identityClaimer(store, key)
  if (account === undefined) return undefined
  return (await hasIdentity(store, account, key)) ? account : undefined
}

/** The account that has claimed the identity, whether or not it names it. */
export async function identityClaimer(store: Store, key: string): Promise<string | undefined> {
  const chain = chains.identity(key)
  return claimOf(chain, await store.head(chain))?.account
}

async function hasIdentity(store: Store, account: string, key: string): Promise<boolean> {
  const chain = chains.account(account)
  const head = await store.head(chain)
  return head !== undefined && names(readAccountRecord(chain, head), key)
}

/**
 * Takes the identity for an account that is about to have it; false when it is another's, or may be in a moment. A claim counts only while its account lives and names the identity; one whose account does not
 * is void after NAME_CLAIM_UNDECIDED, and taken over. Throws Busy.
 */
export function claimIdentity(store: Store, key: string, account: string, now: number): Promise<boolean> {
  return take(store, chains.identity(key), { account, claimedAt: now }, heldAt(store, key, now))
}

/** Before the account says that it has the identity no more, and after it said that it has it: claims.ts. False: the claim is not the account's. Throws Busy. */
export function doubtIdentity(store: Store, key: string, account: string, now: number): Promise<boolean> {
  return doubt(store, chains.identity(key), account, now)
}

/** After the account said that it has the identity no more, or came not to have it: gives it back, unless another request had the account say so. Throws Busy. */
export async function releaseIdentity(store: Store, key: string, account: string): Promise<void> {
  await freeUnlessHeld(store, chains.identity(key), async (claim) => claim.account !== account || (await hasIdentity(store, account, key)))
}

/** Gives the identity back; one that is not the account's stays as it is. Throws Busy. */
export function freeIdentity(store: Store, key: string, account: string): Promise<void> {
  return free(store, chains.identity(key), account)
}

/** What is done with the claim of an identity that is due. Safe twice. Throws Busy. */
export function settleIdentity(store: Store, chain: string, now: number): Promise<void> {
  return settle(store, chain, now, heldAt(store, idOf(chain), now))
}

function heldAt(store: Store, key: string, now: number): IsHeld {
  return async (claim) => {
    const account = await accountOf(store, claim, now)
    if (typeof account === 'string') return account === 'not yet'
    if (account.kind === 'deleted' || account.kind === 'erased') return false
    // One that lives may be about to name it.
    return names(account, key) || isUndecided(claim.claimedAt, now)
  }
}

function names(account: AccountRecord, key: string): boolean {
  return (account.kind === 'created' || account.kind === 'changed') && (account.identities ?? []).some((each) => identityKey(each) === key)
}
