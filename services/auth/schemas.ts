import { playerName } from '../../core/names.ts'
import { z } from '../../core/validate/index.ts'

const password = z.string().min(8).max(128)

export const registerBody = z.strictObject({ name: playerName(3, 24), password })
/** Wider than what can be registered: that a name or password could never be right is no news for whoever guesses. */
export const loginBody = z.strictObject({ name: z.string().max(200), password: z.string().max(512) })
export const refreshBody = z.strictObject({ refreshToken: z.string().max(200) })

const account = z.object({ id: z.string(), name: z.string() })
export const registerAnswer = z.object({ account })
export const sessionAnswer = z.object({ account, accessToken: z.string(), expiresInMs: z.number(), refreshToken: z.string() })
export const jwksAnswer = z.object({ keys: z.array(z.looseObject({})) })
