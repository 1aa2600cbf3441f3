import { randomBytes } from 'node:crypto'
import { storedForm } from '../../core/stored-form.ts'
import { z } from '../../core/validate/index.ts'

/** Whose a name, or a login of another issuer, is: claims.ts. */
export const claimForm = storedForm(
  'account claim',
  z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('claimed'), account: z.string(), claimedAt: z.number() }),
    z.object({ kind: z.literal('freed') }),
  ]),
)

/**
 * The hash of the refresh token that is good now. Where an answer may not have arrived there are others that are good as well (`siblings`), until one of them is used; `retired` are those that
 * were good before, when they ceased to be, the hash of the key with which that was asked, and whether a page asked with its cookie. refresh-rule.ts.
 */
const live = z.object({
  kind: z.literal('live'),
  account: z.string(),
  tokenHash: z.string(),
  expiresAt: z.number(),
  // Absent in what the first release wrote.
  sessionEpoch: z.number().default(0),
  openedAt: z.number().optional(),
  usedAt: z.number().optional(),
  /** When the issuer that vouched for it saw the player log in: it may be long before, as of a browser that is logged in there. */
  loggedInAt: z.number().optional(),
  /** The login of an issuer with which it was opened, as its account named it then (identityKey); absent: it was a password, or whoever has it removed that login and stayed. */
  openedWith: z.object({ key: z.string(), linkedAt: z.number() }).optional(),
  /** What all of its refresh tokens have in common: refresh-token.ts. */
  family: z.string().optional(),
  siblings: z.array(z.string()).optional(),
  retired: z
    .object({ hashes: z.array(z.string()), at: z.number(), key: z.string().exactOptional(), fromPage: z.boolean().exactOptional() })
    .optional(),
})
export type LiveSession = z.output<typeof live>

/** A record of a session's chain: it lives, or has ended and says nothing of its account any more. */
export const sessionForm = storedForm(
  'session',
  z.discriminatedUnion('kind', [
    live,
    // `usedAt`: of one whose roster could not be told, and of a release that told it behind the end.
    z.object({ kind: z.literal('ended'), reason: z.string(), endedAt: z.number().optional(), usedAt: z.number().optional() }),
  ]),
)

export type StoredSession = ReturnType<typeof sessionForm.read>

const roster = z.object({
  kind: z.literal('roster'),
  sessions: z.array(z.object({ id: z.string(), openedAt: z.number(), agent: z.string() })),
  lastLoginAt: z.number(),
  /** When one of those that are gone was used last. */
  usedAt: z.number().optional(),
})
export type SessionRoster = z.output<typeof roster>

/** The head of an account's session roster: which sessions it has, and when somebody last logged in. */
export const sessionRosterForm = storedForm(
  'session roster',
  z.discriminatedUnion('kind', [roster, z.object({ kind: z.literal('erased') })]),
)

/** 128 random bits. */
export function randomId(): string {
  return randomBytes(16).toString('base64url')
}
