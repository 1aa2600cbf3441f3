import { nameKey, playerName } from '../../core/names.ts'
import { z } from '../../core/validate/index.ts'
import { newPassword } from './password-rules.ts'

/** Wider than what can be chosen: that a name or password could never be right is no news for whoever guesses. */
const anyPassword = z.string().max(512)
/** The store takes no longer key, so nobody has such a name. A few characters make hundreds in compatibility-normal form. */
const MAX_NAME_KEY = 380
const anyName = z
  .string()
  .max(200)
  .refine((name) => nameKey(name).length <= MAX_NAME_KEY, { error: 'too long for a name' })
export const refreshIn = z
  .enum(['body', 'cookie'])
  .default('body')
  .meta({ description: 'Where the refresh token goes: into the answer (games), or into a cookie that scripts can not read (browsers)' })

export const registerBody = z.strictObject({ name: playerName(3, 24), password: newPassword })
export const loginBody = z.strictObject({ name: anyName, password: anyPassword, refreshIn })
export const refreshBody = z.strictObject({
  refreshToken: z.string().max(200).optional().meta({ description: 'Absent: that of the cookie' }),
})
const ownPassword = anyPassword
  .optional()
  .meta({ description: 'Absent for an account that has none: then the login must be of a moment ago' })
export const passwordBody = z.strictObject({ password: ownPassword, newPassword, refreshIn })
export const deletionBody = z.strictObject({ password: ownPassword })
export const sessionParams = z.strictObject({ id: z.string().regex(/^[A-Za-z0-9_-]{22}$/, { error: 'no session id' }) })

const account = z.object({ id: z.string(), name: z.string() })
const time = z.string().meta({ description: 'ISO 8601' })
const session = z.object({ id: z.string(), openedAt: time, usedAt: time, expiresAt: time, agent: z.string(), current: z.boolean() })

export const registerAnswer = z.object({ account })
export const sessionAnswer = z.object({
  account,
  accessToken: z.string(),
  expiresInMs: z.number(),
  refreshToken: z.string().optional().meta({ description: 'Good once; absent when it is in the cookie' }),
})
export const accountAnswer = z.object({
  account: z.object({ id: z.string(), name: z.string(), createdAt: time, hasPassword: z.boolean() }),
})
export const sessionsAnswer = z.object({ sessions: z.array(session) })
export const jwksAnswer = z.object({ keys: z.array(z.looseObject({})) })
