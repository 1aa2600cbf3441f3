import type { AccountData, LinkedIdentity } from '../../core/account-record.ts'
import type { Clock } from '../../core/clock.ts'
import { BailiwickError, isCode } from '../../core/errors.ts'
import type { Store } from '../../core/ports/store-port.ts'
import type { StoredAccount } from './accounts.ts'
import { changeAccount, getAccount } from './accounts.ts'
import type { Identity } from './identities.ts'
import { claimIdentity, doubtIdentity, identityClaimer, identityKey, releaseIdentity } from './identities.ts'
import { goOnWithout } from './sessions.ts'

interface LinkDeps {
  readonly store: Store
  readonly clock: Clock
}

/** So many identities may open one account. */
export const MAX_IDENTITIES = 8
/** So many requests are remembered that found a login linked already; beyond, the oldest is forgotten, and never the one that linked it. */
export const MAX_ALSO_BY = 8
/** So many requests are remembered of which nothing else is left: those of three logins, with those that removed them, at least. Beyond, the oldest is forgotten. */
export const MAX_SPENT = 3 * (1 + MAX_ALSO_BY + 1)
/** Others may remove the login while it is linked so often. */
const TRIES = 4

/**
 * Lets the identity open the account from now on: its claim decides, then the account says so, then the claim is looked at once more; whatever dies in between leaves a claim that counts for nothing, and what is refused leaves
 * none. The account says it anew each time, also of what it has: whoever is about to take it back, because there was no claim, looks again then. Safe to repeat. `by`: the keyed id of the request. Throws IdentityTaken,
 * TooManyIdentities, IdempotencyKeyReused, AccountUnknown, Busy.
 */
export async function linkIdentity({ store, clock }: LinkDeps, account: string, identity: Identity, by?: string): Promise<StoredAccount> {
  const key = identityKey(identity)
  const link = (data: AccountData): AccountData => {
    // Of a repetition what was linked may have been removed while this one waited.
    const before = linkedBefore(data, by)
    if (before !== undefined && identityKey(before) !== key) throw keyOfAnother()
    return withIdentity(data, { issuer: identity.issuer, subject: identity.subject, linkedAt: clock.now() }, by)
  }
  // Before it is claimed: a claim names the account, and is not found when that is erased.
  link(await getAccount(store, account))
  for (let attempt = 0; attempt < TRIES; attempt++) {
    if (!(await claimIdentity(store, key, account, clock.now()))) {
      await disown(store, account, key)
      throw identityTaken()
    }
    const changed = await changeAccount(store, account, link).catch(async (error: unknown) => {
      // The last place, the account, or the right to do it again went meanwhile.
      if (isCode(error, 'TooManyIdentities', 'IdempotencyKeyReused', 'AccountUnknown')) await releaseIdentity(store, key, account)
      throw error
    })
    // If not, it took so long that the claim was taken for one that counts for nothing, or it was removed at the same time.
    if (await doubtIdentity(store, key, account, clock.now())) return changed
  }
  await disown(store, account, key)
  throw new BailiwickError('Busy', { found: 'others who remove this login at once', todo: 'try again', retryAfterMs: 1_000 })
}

/** What an account says that it has without a claim, it has not. Another request that claims it anew has the account say so behind that, and so either this sees the claim, or that says it again. */
async function disown(store: Store, account: string, key: string): Promise<void> {
  await changeAccount(store, account, async (data) => {
    const isOurs = find(data, key) === undefined || (await identityClaimer(store, key)) === account
    return isOurs ? data : without(data, key)
  })
}

/** The identity that an earlier request of this keyed id linked, or found linked; undefined: none did. Throws IdempotencyKeyReused when it was removed since. */
export function linkedBefore({ identities, spent = [] }: AccountData, by: string | undefined): LinkedIdentity | undefined {
  if (by === undefined) return undefined
  if (spent.includes(by))
    throw new BailiwickError('IdempotencyKeyReused', { found: 'a login that was removed from the account since', todo: 'use another key' })
  return identities?.find((each) => keysOf(each).includes(by))
}

/**
 * Ends that: the account decides, then the claim is freed, by the sweep if need be. `by`: the keyed id of the request; 'Again': it was done before. Throws IdentityUnknown; LastLogin when nothing else opens the account;
 * AccountUnknown, Busy. The sessions that this login opened end with what the account says (live-session.ts), all but `staying`, that of whoever asks: which is told so first, so that no death in between ends it.
 */
export async function unlinkIdentity(
  { store, clock }: LinkDeps,
  account: string,
  key: string,
  { by, staying }: { readonly by?: string | undefined; readonly staying?: string | undefined } = {},
): Promise<'Done' | 'Again'> {
  const wasDone = ({ spent = [] }: AccountData): boolean => by !== undefined && spent.includes(by)
  const unlink = async (data: AccountData): Promise<AccountData> =>
    wasDone(data) ? data : unlinked(data, { key, by, opening: await openingWithout(store, account, key, data) })
  const before = await getAccount(store, account)
  await unlink(before)
  if (!wasDone(before)) {
    await doubtIdentity(store, key, account, clock.now())
    if (staying !== undefined) await goOnWithout(store, staying, key)
  }
  let again = false
  await changeAccount(store, account, (data) => {
    again = wasDone(data)
    return unlink(data)
  })
  await releaseIdentity(store, key, account)
  return again ? 'Again' : 'Done'
}

/** How many ways into the account there are beside this login. One that the account says it has without a claim (its link died) is none. */
async function openingWithout(store: Store, account: string, key: string, { passwordHash, identities = [] }: AccountData): Promise<number> {
  const others = identities.map(identityKey).filter((each) => each !== key)
  const claimers = await Promise.all(others.map((each) => identityClaimer(store, each)))
  return claimers.filter((each) => each === account).length + (passwordHash === null ? 0 : 1)
}

interface Removal {
  readonly key: string
  readonly by: string | undefined
  /** Ways into the account that are left. */
  readonly opening: number
}

/** Spends the keys of all requests that linked it: none of them brings it back. Throws IdentityUnknown, LastLogin. */
function unlinked(data: AccountData, { key, by, opening }: Removal): AccountData {
  const gone = find(data, key)
  if (gone === undefined) throw new BailiwickError('IdentityUnknown', { asked: key, todo: 'list them' })
  if (opening === 0) throw new BailiwickError('LastLogin', { todo: 'set a password, or add another login first' })
  const after = without(data, key)
  const spent = [...(data.spent ?? []), ...keysOf(gone), ...(by === undefined ? [] : [by])].slice(-MAX_SPENT)
  return spent.length === 0 ? after : { ...after, spent }
}

/** Throws TooManyIdentities. */
function withIdentity(data: AccountData, identity: LinkedIdentity, by: string | undefined): AccountData {
  const { identities = [] } = data
  const key = identityKey(identity)
  if (find(data, key) !== undefined)
    return { ...data, identities: identities.map((each) => (identityKey(each) === key ? alsoBy(each, by) : each)) }
  if (identities.length >= MAX_IDENTITIES) {
    throw new BailiwickError('TooManyIdentities', { found: `${identities.length}`, todo: 'remove one of them first' })
  }
  return { ...data, identities: [...identities, { ...identity, ...(by !== undefined && { by }) }] }
}

function alsoBy(identity: LinkedIdentity, by: string | undefined): LinkedIdentity {
  if (by === undefined || keysOf(identity).includes(by)) return identity
  return { ...identity, alsoBy: [...(identity.alsoBy ?? []), by].slice(-MAX_ALSO_BY) }
}

/** Of the requests that linked it, or found it linked. */
function keysOf({ by, alsoBy = [] }: LinkedIdentity): readonly string[] {
  return by === undefined ? alsoBy : [by, ...alsoBy]
}

function find({ identities = [] }: AccountData, key: string): LinkedIdentity | undefined {
  return identities.find((each) => identityKey(each) === key)
}

function without(data: AccountData, key: string): AccountData {
  return { ...data, identities: (data.identities ?? []).filter((each) => identityKey(each) !== key) }
}

function identityTaken(): BailiwickError {
  return new BailiwickError('IdentityTaken', { todo: 'log in with it, and delete that account or remove the login from it first' })
}

/** The key of a request names another login. */
export function keyOfAnother(): BailiwickError {
  return new BailiwickError('IdempotencyKeyReused', { found: 'a request that linked another login', todo: 'use another key' })
}
