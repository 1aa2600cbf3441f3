import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * A refresh token is `<session>.<secret>`. The first half of the secret is the session's `family`, which all of its tokens have, the second one is random. So a token that was good once is told from one that never was: who knows a
 * session's id alone, which stands in access tokens and in logs, can not have it ended by showing something that looks like an old token.
 */
const tokenForm = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/
const HALF = 16

export interface RefreshToken {
  readonly session: string
  readonly secret: string
}

/** The parts of what somebody shows; undefined: it is no refresh token. */
export function readToken(text: string): RefreshToken | undefined {
  const [, session, secret] = tokenForm.exec(text) ?? []
  return session === undefined || secret === undefined ? undefined : { session, secret }
}

/** 128 random bits, for a session that begins. */
export function newFamily(): string {
  return randomBytes(HALF).toString('base64url')
}

/** A refresh token, with 128 random bits of its own, and what is kept of it. `family` undefined: of a session that an earlier release opened. */
export function newToken(session: string, family: string | undefined): { readonly refreshToken: string; readonly hash: string } {
  const first = family === undefined ? randomBytes(HALF) : Buffer.from(family, 'base64url')
  const secret = Buffer.concat([first, randomBytes(HALF)]).toString('base64url')
  return { refreshToken: `${session}.${secret}`, hash: hashOf(secret) }
}

/** True when it is, or was, a token of the session; of one that an earlier release opened that is not known, and each counts as one. */
export function isOfFamily(secret: string, family: string | undefined): boolean {
  if (family === undefined) return true
  const [shown, own] = [Buffer.from(secret, 'base64url').subarray(0, HALF), Buffer.from(family, 'base64url')]
  return shown.length === own.length && timingSafeEqual(shown, own)
}

/** A secret of so many random bits needs no slow hash. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}
