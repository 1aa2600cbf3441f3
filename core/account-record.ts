import type { ChainEntry, StoredRecord } from './ports/store-port.ts'
import { storedForm } from './stored-form.ts'
import { z } from './validate/index.ts'

/** Who has an account barred from the world, why, and until when (ms since 1970; null: until somebody lifts it). */
const ban = z.object({ until: z.number().nullable(), reason: z.string(), by: z.string(), at: z.number() })
export type Ban = z.output<typeof ban>

/**
 * A login of another issuer that opens the account; times in ms since 1970. `by`: the keyed id of the request that linked it; `alsoBy`: of the newest that found it linked. A release that does not know `alsoBy` drops it with the
 * next change of the account, and no more is lost than what it never wrote.
 */
const identity = z.object({
  issuer: z.string(),
  subject: z.string(),
  linkedAt: z.number(),
  by: z.string().exactOptional(),
  alsoBy: z.array(z.string()).exactOptional(),
})
export type LinkedIdentity = z.output<typeof identity>

const account = z.object({
  name: z.string(),
  /** In PHC form; null: one who logs in elsewhere. */
  passwordHash: z.string().nullable(),
  createdAt: z.number(),
  // Absent in what the first release wrote.
  sessionEpoch: z.number().default(0),
  ban: ban.optional(),
  identities: z.array(identity).optional(),
  /** Keyed ids of the newest requests whose link was removed, and of those that removed one: services/auth/links-of-account.ts. */
  spent: z.array(z.string()).optional(),
})
export type AccountData = z.output<typeof account>

/**
 * A record of an account's chain; each is whole. `created`, `changed`: it lives. `deleted`: nobody has it, its name and identities are still to be freed. `erased`: nothing is left to say. Sessions opened
 * under a lower `sessionEpoch` have ended: one insert ends them all.
 */
const accountRecord = z.discriminatedUnion('kind', [
  account.extend({ kind: z.enum(['created', 'changed']) }),
  z.object({
    kind: z.literal('deleted'),
    name: z.string(),
    deletedAt: z.number(),
    /** The keys of its identities, to be freed as its name is. */
    identities: z.array(z.string()).optional(),
  }),
  z.object({ kind: z.literal('erased') }),
])
export type AccountRecord = z.output<typeof accountRecord>

export const accountForm = storedForm<AccountRecord>('account', accountRecord)

/** The record of an account's chain. Throws StoreCorrupt when it says something else. */
export function readAccountRecord(chain: string, entry: ChainEntry): AccountRecord {
  return accountForm.read(chain, entry)
}

/** The record as the store takes it. */
export function storedAccount({ kind, ...data }: AccountRecord): StoredRecord {
  return { kind, data: accountForm.write(data) }
}

/** True for the head of an account's chain behind which there is no account any more. Throws StoreCorrupt: what a newer release wrote may mean something else. */
export function isAccountGone(chain: string, head: ChainEntry | undefined): boolean {
  if (head === undefined) return false
  const { kind } = readAccountRecord(chain, head)
  return kind === 'deleted' || kind === 'erased'
}
