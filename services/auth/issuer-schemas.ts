import { playerName } from '../../core/names.ts'
import { z } from '../../core/validate/index.ts'
import { refreshIn } from './schemas.ts'

const issuer = z.string().regex(/^[a-z0-9-]{1,40}$/, { error: 'no id of an issuer' })
export const issuerParams = z.strictObject({ issuer })
/** A path of our own origin: nothing that a browser takes for another host. */
const ownPath = z
  .string()
  .max(200)
  .regex(/^\/(?:[A-Za-z0-9_.~?-][A-Za-z0-9_.~/?=&%-]*)?$/, { error: 'a path of this site' })
const fresh = z.literal('true').optional().meta({
  description: 'Whoever is logged in at the issuer already is to log in again: for what an account without a password wants that for',
})
export const pageLoginQuery = z.strictObject({
  returnTo: ownPath.default('/').meta({ description: 'Where the page goes on, a path' }),
  fresh,
})

/** RFC 8252, 7.3: a port that the game itself listens on. */
const loopbackUri = z
  .string()
  .max(200)
  .regex(
    /^http:\/\/(?:127\.0\.0\.1|\[::1\]):(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])(?:\/[A-Za-z0-9._~/-]*)?$/,
    { error: 'http://127.0.0.1:PORT/… or http://[::1]:PORT/…' },
  )
const challenge = z.string().regex(/^[A-Za-z0-9_-]{43}$/, { error: 'the SHA-256 of a verifier, as base64url' })
export const gameLoginQuery = z.strictObject({
  redirectUri: loopbackUri.meta({ description: 'Where the game listens on this machine' }),
  challenge: challenge.meta({ description: 'PKCE (RFC 7636), S256: the hash of a verifier that the game keeps' }),
  state: z
    .string()
    .regex(/^[A-Za-z0-9_-]{16,128}$/, { error: '16 to 128 letters, digits, - and _' })
    .meta({ description: 'Comes back with the code' }),
  fresh,
})

/** Longer ones make addresses that are refused before they are read: a character may take three in them. */
const MAX_ISSUER_CODE = 2_048
/** What an issuer may send along; the rest is not looked at (RFC 6749, 4.1.2). */
export const callbackQuery = z.looseObject({
  code: z.string().max(MAX_ISSUER_CODE).optional(),
  state: z.string().max(200).optional(),
  iss: z.string().max(500).optional(),
  error: z.string().max(200).optional(),
})

const sealed = z
  .string()
  .max(4_096)
  .regex(/^[A-Za-z0-9._-]+$/, { error: 'none of ours' })
const proof = sealed.optional().meta({ description: 'Absent: that of the cookie' })
export const identityBody = z.strictObject({
  code: sealed.optional().meta({ description: 'What came to the address of the game; absent: the cookie of a page' }),
  verifier: z
    .string()
    .regex(/^[A-Za-z0-9._~-]{43,128}$/, { error: '43 to 128 letters, digits, -, ., _ and ~' })
    .optional()
    .meta({ description: 'That of the challenge; with a code' }),
})
export const issuerSessionBody = z.strictObject({
  proof,
  name: playerName(3, 24).optional().meta({ description: 'Of the account to be made; not looked at where there is one' }),
  refreshIn,
})
export const linkBody = z.strictObject({
  proof,
  password: z.string().max(512).optional().meta({ description: 'Of the account; absent where it has none' }),
})
export const unlinkBody = z.strictObject({ password: z.string().max(512).optional() })
export const identityParams = z.strictObject({ id: z.string().regex(/^[A-Za-z0-9_-]{43}$/, { error: 'no id of an identity' }) })

const named = z.object({ id: z.string(), name: z.string() })
export const issuersAnswer = z.object({ issuers: z.array(named) })
export const identityAnswer = z.object({
  issuer: named,
  account: named.nullable().meta({ description: 'The account that it opens; null: none yet' }),
  suggestedName: z.string().nullable().meta({ description: 'For a new account; may be taken' }),
  proof: z.string().optional().meta({ description: 'Where a code was given: good for ten minutes and for one session' }),
})
export const identitiesAnswer = z.object({
  identities: z.array(
    z.object({
      id: z.string(),
      issuer: z.string().meta({ description: 'Its identifier, a URL' }),
      name: z.string().nullable().meta({ description: 'What the issuer is called; null: it is not asked any more' }),
      linkedAt: z.string().meta({ description: 'ISO 8601' }),
    }),
  ),
})
