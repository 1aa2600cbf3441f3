import type { AccountData } from '../../core/account-record.ts'
import { readAccountRecord, storedAccount } from '../../core/account-record.ts'
import { chains } from '../../core/chains.ts'
import { changeChain } from '../../core/change-chain.ts'
import type { Clock } from '../../core/clock.ts'
import { askErasure } from '../../core/erasures.ts'
import { BailiwickError, isCode } from '../../core/errors.ts'
import { checkName } from '../../core/names.ts'
import type { ChainEntry, Store } from '../../core/ports/store-port.ts'
import type { Identity } from './identities.ts'
import { claimIdentity, freeIdentity, identityKey } from './identities.ts'
import { claimName, freeName, nameHolder } from './name-claims.ts'
import type { PasswordHasher } from './passwords.ts'
import { randomId } from './stored.ts'

export interface AccountDeps {
  readonly store: Store
  readonly passwords: PasswordHasher
  readonly clock: Clock
}

/** An account as it is in the store. */
export interface StoredAccount extends AccountData {
  readonly id: string
}

/**
 * Makes an account. Its inserts, in this order: the claim of its name, which decides, that of its identity if it has one, then the account. Whatever dies between them leaves claims that are held by
 * nobody, which is found out by the sweep, or by who asks for them; an account that comes too late then is not made (claims.ts). `passwordHash` null: one who logs in elsewhere, as `identity`. `id`: of
 * the account, where the same request may be under way or may have been done. Throws NameTaken, NameRefused, Busy; IdentityTaken when the identity has an account, or one is being made; RequestUnderWay and
 * IdempotencyKeyReused with an id that is there.
 */
export async function makeAccount(
  { store, clock }: Pick<AccountDeps, 'store' | 'clock'>,
  name: string,
  hash: () => Promise<string | null>,
  { identity, id: given }: { readonly identity?: Identity; readonly id?: string | undefined } = {},
): Promise<StoredAccount> {
  checkName(name)
  const id = given ?? randomId()
  // The hash takes long: it is made before the name is claimed, so that a claim without account is a matter of a moment.
  const passwordHash = await hash()
  if (!(await claimName(store, name, id, clock.now()))) throw nameTaken(name)
  const key = identity && identityKey(identity)
  if (key !== undefined && !(await claimIdentity(store, key, id, clock.now()))) {
    await freeName(store, name, id)
    throw new BailiwickError('IdentityTaken', { todo: 'log in again' })
  }
  const data: AccountData = {
    ...{ name, passwordHash, createdAt: clock.now(), sessionEpoch: 0 },
    ...(identity && { identities: [{ ...identity, linkedAt: clock.now() }] }),
  }
  const made = await store.append(chains.account(id), 1, randomId(), storedAccount({ kind: 'created', ...data }))
  // It took so long that the name, or the identity, was taken for one that is held by nobody.
  if (made === 'Conflict') throw given === undefined ? nameTaken(name) : await madeBefore(store, name, id)
  return { id, ...data }
}

async function madeBefore(store: Store, name: string, id: string): Promise<BailiwickError> {
  if ((await findAccount(store, id)) !== undefined)
    return new BailiwickError('RequestUnderWay', { todo: 'ask again for its answer', retryAfterMs: 1_000 })
  await freeName(store, name, id)
  return new BailiwickError('IdempotencyKeyReused', { found: 'an account that was deleted, or not made in time', todo: 'use another key' })
}

/** The account that an earlier request of the same key, and so of the same id, made of this name; undefined: none. */
export async function registeredBefore(store: Store, name: string, id: string): Promise<StoredAccount | undefined> {
  return (await nameHolder(store, name)) === id ? findAccount(store, id) : undefined
}

/** Registers with a password; `id` as makeAccount has it. Throws as that does. */
export async function register(deps: AccountDeps, name: string, password: string, id?: string): Promise<StoredAccount> {
  checkName(name)
  // Only to spare the work: the claim decides.
  const holder = await nameHolder(deps.store, name)
  if (holder !== undefined && holder !== id && (await findAccount(deps.store, holder)) !== undefined) throw nameTaken(name)
  return makeAccount(deps, name, () => deps.passwords.hash(password), { id })
}

/**
 * The account of this name and password. An unknown name, one without a password and a wrong password take the same store reads and the same hashing, and get the same answer.
 * A password whose hash was made at a lower cost than today's is hashed anew. Throws WrongCredentials, Busy.
 */
export async function checkCredentials(deps: AccountDeps, name: string, password: string): Promise<StoredAccount> {
  const holder = await nameHolder(deps.store, name)
  const account = await findAccount(deps.store, holder ?? randomId())
  if (!(await deps.passwords.verify(password, account?.passwordHash ?? undefined)) || account === undefined) throw wrongCredentials()
  return rehash(deps, account, password)
}

/** Throws WrongCredentials when it is not the account's password, or the account has none. */
export async function checkPassword(deps: AccountDeps, account: StoredAccount, password: string): Promise<void> {
  if (!(await deps.passwords.verify(password, account.passwordHash ?? undefined)))
    throw wrongCredentials('write the password of this account')
}

async function rehash(deps: AccountDeps, account: StoredAccount, password: string): Promise<StoredAccount> {
  const { passwordHash } = account
  if (passwordHash === null || !deps.passwords.isOutdated(passwordHash)) return account
  const fresh = await deps.passwords.hash(password).catch((error: unknown) => {
    // Too much is to be done: another login will do it.
    if (isCode(error, 'Busy')) return undefined
    throw error
  })
  if (fresh === undefined) return account
  // Changed meanwhile: it was hashed anew with that.
  return changeAccount(deps.store, account.id, (now) => (now.passwordHash === passwordHash ? { ...now, passwordHash: fresh } : now))
}

/** The account of this id, or undefined when there is none, or none any more. */
export async function findAccount(store: Store, id: string): Promise<StoredAccount | undefined> {
  return accountOf(id, await store.head(chains.account(id)))
}

/** The account of this id. Throws AccountUnknown. */
export async function getAccount(store: Store, id: string): Promise<StoredAccount> {
  const account = await findAccount(store, id)
  if (account === undefined) throw unknown(id)
  return account
}

/**
 * Changes an account in one step; `change` gives the new data, or that which it got for no change, and may throw. What it reads of the store holds for the account as it is then: if that changes meanwhile, it is asked again.
 * Throws AccountUnknown, Busy.
 */
export async function changeAccount(
  store: Store,
  id: string,
  change: (data: AccountData) => AccountData | Promise<AccountData>,
): Promise<StoredAccount> {
  return changeChain(
    store,
    chains.account(id),
    async (head) => {
      const account = accountOf(id, head)
      if (account === undefined) throw unknown(id)
      const { id: _, ...before } = account
      const after = await change(before)
      return after === before ? { result: account } : { record: storedAccount({ kind: 'changed', ...after }), result: { id, ...after } }
    },
    // What stood there before may be a password's hash that is not to be kept.
    'always',
  )
}

/**
 * Deletes an account. The wish for its erasure is written first, the account's own end decides, and the name is freed last; who finds the account gone finishes what is left.
 * Throws AccountUnknown, Busy.
 */
export async function deleteAccount({ store, clock }: Pick<AccountDeps, 'store' | 'clock'>, id: string): Promise<void> {
  const { name } = await getAccount(store, id)
  await askErasure(store, id, clock.now())
  await changeChain(
    store,
    chains.account(id),
    (head) => {
      const account = accountOf(id, head)
      if (account === undefined) return { result: undefined }
      const identities = (account.identities ?? []).map(identityKey)
      return { record: storedAccount({ kind: 'deleted', name, deletedAt: clock.now(), identities }), result: undefined }
    },
    'always',
  )
  await freeClaims(store, id)
}

/** Frees what a deleted account had claimed. Safe to repeat. */
async function freeClaims(store: Store, id: string): Promise<void> {
  const chain = chains.account(id)
  const head = await store.head(chain)
  const record = head === undefined ? undefined : readAccountRecord(chain, head)
  if (record?.kind !== 'deleted') return
  await freeName(store, record.name, id)
  for (const key of record.identities ?? []) await freeIdentity(store, key, id)
}

/** Frees the name and identities of a deleted account and forgets it. Safe to repeat. */
export async function eraseAccount(store: Store, id: string): Promise<void> {
  await freeClaims(store, id)
  await changeChain(
    store,
    chains.account(id),
    (now) => (now?.kind === 'deleted' ? { record: storedAccount({ kind: 'erased' }), result: undefined } : { result: undefined }),
    'always',
  )
}

function accountOf(id: string, head: ChainEntry | undefined): StoredAccount | undefined {
  const record = head === undefined ? undefined : readAccountRecord(chains.account(id), head)
  if (record === undefined || record.kind === 'deleted' || record.kind === 'erased') return undefined
  const { kind: _, ...data } = record
  return { id, ...data }
}

export function wrongCredentials(todo = 'check them, or register'): BailiwickError {
  return new BailiwickError('WrongCredentials', { todo })
}

function unknown(id: string): BailiwickError {
  return new BailiwickError('AccountUnknown', { asked: id })
}

function nameTaken(name: string): BailiwickError {
  return new BailiwickError('NameTaken', { asked: name, todo: 'choose another one' })
}
