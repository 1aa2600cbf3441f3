import type { Clock } from '../../core/clock.ts'
import { BailiwickError, isCode } from '../../core/errors.ts'
import type { Store } from '../../core/ports/store-port.ts'
import type { StoredAccount } from './accounts.ts'
import { changeAccount, getAccount } from './accounts.ts'
import type { Identity } from './identities.ts'
import { claimIdentity, freeIdentity, identityHolder, identityKey } from './identities.ts'

interface LinkDeps {
  readonly store: Store
  readonly clock: Clock
}

/** So many identities may open one account. */
export const MAX_IDENTITIES = 8

/**
 * Lets the identity open the account from now on: its claim decides, then the account says so; whatever dies between the two leaves a claim that counts for nothing, and what is refused leaves none. Safe to repeat.
 * Throws IdentityTaken, TooManyIdentities, AccountUnknown, Busy.
 */
export async function linkIdentity({ store, clock }: LinkDeps, account: string, identity: Identity): Promise<StoredAccount> {
  const key = identityKey(identity)
  // Before it is claimed: a claim names the account, and is not found when that is erased.
  withIdentity(await getAccount(store, account), identity, clock.now())
  if (!(await claimIdentity(store, key, account, clock.now()))) throw identityTaken()
  const changed = await changeAccount(store, account, (data) => withIdentity(data, identity, clock.now())).catch(async (error: unknown) => {
    // The last place, or the account, went meanwhile.
    if (isCode(error, 'TooManyIdentities', 'AccountUnknown')) await freeIdentity(store, key, account)
    throw error
  })
  if ((await identityHolder(store, key)) === account) return changed
  // It took so long that the claim was taken for one that counts for nothing.
  await changeAccount(store, account, (data) => without(data, key))
  throw identityTaken()
}

/** Ends that: the account decides, then the claim is freed. Throws IdentityUnknown; LastLogin when nothing else opens the account; AccountUnknown, Busy. */
export async function unlinkIdentity({ store }: LinkDeps, account: string, key: string): Promise<StoredAccount> {
  const changed = await changeAccount(store, account, (data) => {
    const after = without(data, key)
    if ((after.identities ?? []).length === (data.identities ?? []).length) {
      throw new BailiwickError('IdentityUnknown', { asked: key, todo: 'list them' })
    }
    if (data.passwordHash === null && (after.identities ?? []).length === 0) {
      throw new BailiwickError('LastLogin', { todo: 'set a password, or add another login first' })
    }
    return after
  })
  await freeIdentity(store, key, account)
  return changed
}

/** Throws TooManyIdentities. */
function withIdentity<T extends Pick<StoredAccount, 'identities'>>(data: T, identity: Identity, now: number): T {
  const { identities = [] } = data
  const key = identityKey(identity)
  if (identities.some((each) => identityKey(each) === key)) return data
  if (identities.length >= MAX_IDENTITIES) {
    throw new BailiwickError('TooManyIdentities', { found: `${identities.length}`, todo: 'remove one of them first' })
  }
  return { ...data, identities: [...identities, { ...identity, linkedAt: now }] }
}

function without<T extends Pick<StoredAccount, 'identities'>>(data: T, key: string): T {
  return { ...data, identities: (data.identities ?? []).filter((each) => identityKey(each) !== key) }
}

function identityTaken(): BailiwickError {
  return new BailiwickError('IdentityTaken', { todo: 'log in with it, and delete that account or remove the login from it first' })
}
