import { randomBytes } from 'node:crypto'
import { BailiwickError } from '../../core/errors.ts'
import type { ChainEntry } from '../../core/ports/store-port.ts'
import { z } from '../../core/validate/index.ts'

/** Who has an account barred from the world, why, and until when (ms since 1970; null: until somebody lifts it). */
const banData = z.object({ until: z.number().nullable(), reason: z.string(), by: z.string(), at: z.number() })
export type Ban = z.output<typeof banData>

/** A login of another issuer that opens the account; times in ms since 1970. */
const identityData = z.object({ issuer: z.string(), subject: z.string(), linkedAt: z.number() })
export type LinkedIdentity = z.output<typeof identityData>

/**
 * A record of an account's chain; each is whole. Kinds: `created`, `changed`; `deleted`, which holds the name alone, until it is freed; `erased`, which holds nothing. Sessions opened under
 * a lower `sessionEpoch` have ended: one insert ends them all.
 */
export const accountData = z.object({
  name: z.string(),
  /** In PHC form; null: one who logs in elsewhere. */
  passwordHash: z.string().nullable(),
  createdAt: z.number(),
  // Absent in what the first release wrote.
  sessionEpoch: z.number().default(0),
  ban: banData.optional(),
  identities: z.array(identityData).optional(),
})
export type AccountData = z.output<typeof accountData>

export const deletedData = z.object({
  name: z.string(),
  deletedAt: z.number(),
  /** The keys of its identities, to be freed as its name is. */
  identities: z.array(z.string()).optional(),
})

export const nameClaimData = z.object({ account: z.string(), claimedAt: z.number() })
/** Of an identity: services/auth/identities.ts. */
export const identityClaimData = nameClaimData

/**
 * A record `live` of a session's chain: the hash of the refresh token that is good now. Where an answer may not have arrived there are others that are good as well (`siblings`), until one
 * of them is used; `retired` are those that were good before, when they ceased to be, and the hash of the key with which that was asked. services/auth/refresh-rule.ts.
 */
export const liveData = z.object({
  account: z.string(),
  tokenHash: z.string(),
  expiresAt: z.number(),
  // Absent in what the first release wrote.
  sessionEpoch: z.number().default(0),
  openedAt: z.number().optional(),
  usedAt: z.number().optional(),
  siblings: z.array(z.string()).optional(),
  retired: z.object({ hashes: z.array(z.string()), at: z.number(), key: z.string().exactOptional() }).optional(),
})
export type LiveData = z.output<typeof liveData>

/** The head of an account's session roster: which sessions it has, and when somebody last logged in. */
export const rosterData = z.object({
  sessions: z.array(z.object({ id: z.string(), openedAt: z.number(), agent: z.string() })),
  lastLoginAt: z.number(),
})
export type RosterData = z.output<typeof rosterData>

/** The checked data of a record. Throws StoreCorrupt. */
export function read<T>(schema: z.ZodType<T>, chain: string, entry: ChainEntry): T {
  const result = schema.safeParse(entry.data)
  if (!result.success) throw new BailiwickError('StoreCorrupt', { asked: `record ${entry.n} of ${chain}`, cause: result.error })
  return result.data
}

/** 128 random bits. */
export function randomId(): string {
  return randomBytes(16).toString('base64url')
}
