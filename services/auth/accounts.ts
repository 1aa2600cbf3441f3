import { randomBytes } from 'node:crypto'
import { chains, foldName } from '../../core/chains.ts'
import type { Clock } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { ChainEntry, Store } from '../../core/ports/store-port.ts'
import { z } from '../../core/validate/index.ts'
import type { Role } from '../../platform/tokens/index.ts'
import type { PasswordHasher } from './passwords.ts'

export interface Account {
  readonly id: string
  readonly name: string
  readonly roles: readonly Role[]
}

export interface AccountDeps {
  readonly store: Store
  readonly passwords: PasswordHasher
  readonly clock: Clock
}

const claimData = z.object({ account: z.string() })
const accountData = z.object({ name: z.string(), passwordHash: z.string(), roles: z.array(z.enum(['player', 'moderator', 'admin'])) })

/**
 * Makes an account. Two inserts, in this order: the account under a new random id, then the claim of its name, which decides. Whatever dies between them leaves a record
 * that nobody can reach (its id was told to nobody) and no name held by nobody. Throws NameTaken, Busy.
 */
export async function register(deps: AccountDeps, name: string, password: string): Promise<Account> {
  const { store, passwords, clock } = deps
  const claim = chains.accountName(foldName(name))
  // Only to spare the work: the claim below decides.
  if ((await store.head(claim)) !== undefined) throw nameTaken(name)
  const passwordHash = await passwords.hash(password)
  const id = randomId()
  const roles: readonly Role[] = ['player']
  const data = { name, passwordHash, roles, createdAt: clock.now() }
  const made = await store.append(chains.account(id), 1, randomId(), { kind: 'created', data })
  if (made === 'Conflict') throw new BailiwickError('Internal', { found: `a random id twice: ${id}` })
  const claimed = await store.append(claim, 1, randomId(), { kind: 'claimed', data: { account: id, name, claimedAt: clock.now() } })
  if (claimed === 'Conflict') throw nameTaken(name)
  return { id, name, roles }
}

/**
 * The account of this name and password. An unknown name and a wrong password take the same store reads and the same hashing, and get the same answer.
 * Throws WrongCredentials, Busy.
 */
export async function checkCredentials(deps: AccountDeps, name: string, password: string): Promise<Account> {
  const claim = await deps.store.head(chains.accountName(foldName(name)))
  const id = claim === undefined ? randomId() : read(claimData, chains.accountName(foldName(name)), claim).account
  const entry = await deps.store.head(chains.account(id))
  const stored = entry === undefined ? undefined : read(accountData, chains.account(id), entry)
  const right = await deps.passwords.verify(password, stored?.passwordHash)
  if (!right || stored === undefined) throw new BailiwickError('WrongCredentials', { todo: 'check them, or register' })
  return { id, name: stored.name, roles: stored.roles }
}

/** The account of this id, or undefined. */
export async function findAccount(store: Store, id: string): Promise<Account | undefined> {
  const entry = await store.head(chains.account(id))
  if (entry === undefined) return undefined
  const { name, roles } = read(accountData, chains.account(id), entry)
  return { id, name, roles }
}

/** 128 random bits. */
export function randomId(): string {
  return randomBytes(16).toString('base64url')
}

/** The checked data of a record. Throws StoreCorrupt. */
export function read<T>(schema: z.ZodType<T>, chain: string, entry: ChainEntry): T {
  const result = schema.safeParse(entry.data)
  if (!result.success) throw new BailiwickError('StoreCorrupt', { asked: `record ${entry.n} of ${chain}`, cause: result.error })
  return result.data
}

function nameTaken(name: string): BailiwickError {
  return new BailiwickError('NameTaken', { asked: name, todo: 'choose another one' })
}
