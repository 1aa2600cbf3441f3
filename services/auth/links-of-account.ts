import type { AccountData, LinkedIdentity } from '../../core/account-record.ts'
import type { Clock } from '../../core/clock.ts'
import { BailiwickError, isCode } from '../../core/errors.ts'
import type { Store } from '../../core/ports/store-port.ts'
import type { StoredAccount } from './accounts.ts'
import { changeAccount, getAccount } from './accounts.ts'
import type { Identity } from './identities.ts'
import { claimIdentity, doubtIdentity, identityKey, releaseIdentity } from './identities.ts'

interface LinkDeps {
  readonly store: Store
  readonly clock: Clock
}

/** So many identities may open one account. */
export const MAX_IDENTITIES = 8
/** So many requests are remembered of which nothing else is left; beyond, the oldest is forgotten. */
const MAX_SPENT = 16

/**
 * Lets the identity open the account from now on: its claim decides, then the account says so; whatever dies between the two leaves a claim that counts for nothing, and what is refused leaves none. Safe to repeat. `by`: the
 * keyed id of the request. Throws IdentityTaken, TooManyIdentities, IdempotencyKeyReused, AccountUnknown, Busy.
 */
export async function linkIdentity({ store, clock }: LinkDeps, account: string, identity: Identity, by?: string): Promise<StoredAccount> {
  const key = identityKey(identity)
  const link = (data: AccountData) => {
    // Of a repetition what was linked may have been removed while this one waited.
    assertUnspent(data, by)
    return withIdentity(data, { ...identity, linkedAt: clock.now(), ...(by !== undefined && { by }) })
  }
  // Before it is claimed: a claim names the account, and is not found when that is erased.
  link(await getAccount(store, account))
  if (!(await claimIdentity(store, key, account, clock.now()))) throw identityTaken()
  const changed = await changeAccount(store, account, link).catch(async (error: unknown) => {
    // The last place, the account, or the right to do it again went meanwhile.
    if (isCode(error, 'TooManyIdentities', 'IdempotencyKeyReused', 'AccountUnknown')) await releaseIdentity(store, key, account)
    throw error
  })
  if (await doubtIdentity(store, key, account, clock.now())) return changed
  // It took so long that the claim was taken for one that counts for nothing, or was removed at the same time.
  await changeAccount(store, account, (data) => without(data, key))
  throw identityTaken()
}

/** The identity that an earlier request of this keyed id linked; undefined: none did. Throws IdempotencyKeyReused when it was removed since. */
export function linkedBefore(account: StoredAccount, by: string | undefined): LinkedIdentity | undefined {
  if (by === undefined) return undefined
  assertUnspent(account, by)
  return account.identities?.find((each) => each.by === by)
}

function assertUnspent({ spent = [] }: Pick<AccountData, 'spent'>, by: string | undefined): void {
  if (by === undefined || !spent.includes(by)) return
  throw new BailiwickError('IdempotencyKeyReused', { found: 'a login that was removed from the account since', todo: 'use another key' })
}

/**
 * Ends that: the account decides, then the claim is freed, by the sweep if need be. `by`: the keyed id of the request; 'Again': it was done before. Throws IdentityUnknown; LastLogin when nothing else opens the account;
 * AccountUnknown, Busy.
 */
export async function unlinkIdentity({ store, clock }: LinkDeps, account: string, key: string, by?: string): Promise<'Done' | 'Again'> {
  const wasDone = ({ spent = [] }: AccountData): boolean => by !== undefined && spent.includes(by)
  const unlink = (data: AccountData) => (wasDone(data) ? data : unlinked(data, key, by))
  const before = await getAccount(store, account)
  unlink(before)
  if (!wasDone(before)) await doubtIdentity(store, key, account, clock.now())
  let again = false
  await changeAccount(store, account, (data) => {
    again = wasDone(data)
    return unlink(data)
  })
  await releaseIdentity(store, key, account)
  return again ? 'Again' : 'Done'
}

/** Throws IdentityUnknown, LastLogin. */
function unlinked(data: AccountData, key: string, by: string | undefined): AccountData {
  const gone = find(data, key)
  if (gone === undefined) throw new BailiwickError('IdentityUnknown', { asked: key, todo: 'list them' })
  const after = without(data, key)
  if (data.passwordHash === null && (after.identities ?? []).length === 0) {
    throw new BailiwickError('LastLogin', { todo: 'set a password, or add another login first' })
  }
  const spent = [...(data.spent ?? []), ...[gone.by, by].filter((each) => each !== undefined)].slice(-MAX_SPENT)
  return spent.length === 0 ? after : { ...after, spent }
}

/** Throws TooManyIdentities. */
function withIdentity<T extends AccountData>(data: T, identity: LinkedIdentity): T {
  const { identities = [] } = data
  if (find(data, identityKey(identity)) !== undefined) return data
  if (identities.length >= MAX_IDENTITIES) {
    throw new BailiwickError('TooManyIdentities', { found: `${identities.length}`, todo: 'remove one of them first' })
  }
  return { ...data, identities: [...identities, identity] }
}

function find({ identities = [] }: AccountData, key: string): LinkedIdentity | undefined {
  return identities.find((each) => identityKey(each) === key)
}

function without<T extends AccountData>(data: T, key: string): T {
  return { ...data, identities: (data.identities ?? []).filter((each) => identityKey(each) !== key) }
}

function identityTaken(): BailiwickError {
  return new BailiwickError('IdentityTaken', { todo: 'log in with it, and delete that account or remove the login from it first' })
}
