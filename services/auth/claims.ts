import { type AccountRecord, readAccountRecord, storedAccount } from '../../core/account-record.ts'
import { chains } from '../../core/chains.ts'
import { changeChain } from '../../core/change-chain.ts'
import type { ChainEntry, Store, StoredRecord } from '../../core/ports/store-port.ts'
import { NAME_CLAIM_UNDECIDED } from '../../core/timing.ts'
import { claimForm, randomId } from './stored.ts'

/**
 * What belongs to one account at most (a name, a login of another issuer): the newest record of its chain says to which. It is claimed first, then the account is made, or says so: a claim is
 * due after NAME_CLAIM_UNDECIDED, and who finds it then (somebody who wants the same, or the sweep) takes care that it is known whether there is an account: by inserting the first record of
 * the account's chain, which says that there never will be one. Either that insert or the account's own gets the number, so nothing is taken from an account that is made late, and no account is made from which
 * something was taken.
 */
export interface Claim {
  readonly account: string
  readonly claimedAt: number
}

/** Whether the claim counts, or may still come to: asked behind a look at the head of its chain, so that the answer holds for that head. */
export type IsHeld = (claim: Claim) => Promise<boolean>

/** The claim that is the head of this chain, or undefined: it is nobody's. Throws StoreCorrupt. */
export function claimOf(chain: string, head: ChainEntry | undefined): Claim | undefined {
  const record = head === undefined ? undefined : claimForm.read(chain, head)
  return record?.kind === 'claimed' ? { account: record.account, claimedAt: record.claimedAt } : undefined
}

/** Takes it for an account that is about to be made, or to say so; false when it is another's. Throws Busy. */
export async function take(store: Store, chain: string, mine: Claim, isHeld: IsHeld): Promise<boolean> {
  return changeChain(store, chain, async (head) => {
    const claim = claimOf(chain, head)
    if (claim?.account === mine.account) return { result: true }
    if (claim !== undefined && (await isHeld(claim))) return { result: false }
    return { record: { kind: 'claimed', data: claimForm.write({ ...mine }), due: mine.claimedAt + NAME_CLAIM_UNDECIDED }, result: true }
  })
}

/** Gives it back; one that is not the account's stays as it is. Throws Busy. */
export async function free(store: Store, chain: string, account: string): Promise<void> {
  await changeChain(
    store,
    chain,
    (head) => (claimOf(chain, head)?.account === account ? { record: freed(), result: undefined } : { result: undefined }),
    'always',
  )
}

/**
 * Has the sweep look at the account's own claim once more, and whoever is about to free it look again: before the account gives up what it claimed, so that a death behind that leaves no claim for ever, and after it said that
 * it has it. False: the claim is not the account's (any more). Throws Busy.
 */
export async function doubt(store: Store, chain: string, account: string, now: number): Promise<boolean> {
  return changeChain(
    store,
    chain,
    (head) => {
      const claim = claimOf(chain, head)
      if (claim?.account !== account) return { result: false }
      return { record: { kind: 'claimed', data: claimForm.write({ ...claim }), due: now + NAME_CLAIM_UNDECIDED }, result: true }
    },
    'always',
  )
}

/** Frees it unless it is held; true: it is. Throws Busy. */
export async function freeUnlessHeld(store: Store, chain: string, isHeld: IsHeld): Promise<boolean> {
  return changeChain(
    store,
    chain,
    async (head) => {
      const claim = claimOf(chain, head)
      if (claim === undefined) return { result: false }
      return (await isHeld(claim)) ? { result: true } : { record: freed(), result: false }
    },
    'always',
  )
}

/** What is done with a claim that is due: it stays when it is held, and is freed else. Safe twice. Throws Busy. */
export async function settle(store: Store, chain: string, now: number, isHeld: IsHeld): Promise<void> {
  await changeChain(
    store,
    chain,
    async (head) => {
      const claim = claimOf(chain, head)
      if (claim === undefined || head?.due === undefined) return { result: undefined }
      if (!(await isHeld(claim))) return { record: freed(), result: undefined }
      // A claim whose time is not over stays due.
      if (head.due > now) return { result: undefined }
      return { record: { kind: 'claimed', data: claimForm.write({ ...claim }) }, result: undefined }
    },
    'always',
  )
}

/** The account of a claim: its record; 'not yet': it may still be made; 'never': it was not, and from now on can not be. */
export async function accountOf(store: Store, { account, claimedAt }: Claim, now: number): Promise<AccountRecord | 'not yet' | 'never'> {
  const chain = chains.account(account)
  const head = await store.head(chain)
  if (head !== undefined) return readAccountRecord(chain, head)
  if (isUndecided(claimedAt, now)) return 'not yet'
  if ((await store.append(chain, 1, randomId(), storedAccount({ kind: 'erased' }))) === 'Done') return 'never'
  const made = await store.head(chain)
  return made === undefined ? 'never' : readAccountRecord(chain, made)
}

/** True while whoever claimed it may be about to do what it claimed it for. */
export function isUndecided(claimedAt: number, now: number): boolean {
  return now - claimedAt < NAME_CLAIM_UNDECIDED
}

function freed(): StoredRecord {
  return { kind: 'freed', data: claimForm.write({}) }
}
