import { z } from '../../core/validate/index.ts'

export const ISSUER = 'bailiwick'
export const AUDIENCE = 'bailiwick'
/** The only algorithm that is signed with or accepted. */
export const ALGORITHM = 'EdDSA'

export const roles = ['player', 'moderator', 'admin'] as const
export type Role = (typeof roles)[number]

/** Who calls: what a valid access token says. */
export interface Caller {
  readonly account: string
  readonly name: string
  readonly session: string
  readonly roles: readonly Role[]
}

/** Our claims; the standard ones (iss, aud, exp, iat) are checked by the JWT library. */
export const callerClaims = z
  .object({
    sub: z.string().min(1).max(64),
    name: z.string().min(1).max(64),
    sid: z.string().min(1).max(64),
    roles: z.array(z.enum(roles)).max(8),
  })
  .transform(({ sub, name, sid, roles }): Caller => ({ account: sub, name, session: sid, roles }))
