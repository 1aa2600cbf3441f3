import { timingSafeEqual } from 'node:crypto'
import { BailiwickError } from '../../core/errors.ts'
import { ISSUER_CODE_TTL, ISSUER_LOGIN_TTL, ISSUER_PROOF_TTL } from '../../core/timing.ts'
import { z } from '../../core/validate/index.ts'
import type { Sealer } from '../../platform/tokens/index.ts'
import { cookieOf } from './cookie.ts'

/**
 * A login at another issuer passes from hand to hand as sealed texts, so that no replica of the service keeps anything of it: `begun` goes into a cookie of the browser while the player is at the issuer; `proof`
 * says who logged in, into the cookie, or to the game that began it, in exchange for the `code` that the browser brought it.
 */
const page = z.object({ kind: z.literal('page'), returnTo: z.string() })
const game = z.object({ kind: z.literal('game'), redirectUri: z.string(), challenge: z.string(), state: z.string() })
const begunData = z.object({
  issuer: z.string(),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  freshSince: z.number().optional(),
  /** Who began it. */
  by: z.discriminatedUnion('kind', [page, game]),
})
export type Begun = z.output<typeof begunData>

const proofData = z.object({
  /** The id of the one session that it is good for. */
  session: z.string(),
  /** Our id of the issuer. */
  issuer: z.string(),
  identity: z.object({ issuer: z.string(), subject: z.string() }),
  suggestedName: z.string().nullable(),
  /** When the issuer saw the player log in (ms since 1970); absent: it does not say. */
  loggedInAt: z.number().optional(),
})
export type Proof = z.output<typeof proofData>
const codeData = z.object({ challenge: z.string(), proof: proofData })

const COOKIE = '__Host-bailiwick-login'
/** The issuer's site sends the browser back, so a cookie of SameSite=Strict would stay away. */
const attributes = 'Path=/; Secure; HttpOnly; SameSite=Lax'
export const dropLoginCookie = `${COOKIE}=; ${attributes}; Max-Age=0`

export type Header = (name: string) => string | undefined

/** The value of Set-Cookie that keeps what was begun. */
export async function keepBegun(sealer: Sealer, begun: Begun): Promise<string> {
  return keep(await sealer.seal('login begun', begun, ISSUER_LOGIN_TTL), ISSUER_LOGIN_TTL)
}

/** What this browser began at this issuer with this state. Throws LoginExpired. */
export async function begunOf(sealer: Sealer, header: Header, issuer: string, state: string | undefined): Promise<Begun> {
  const sealed = cookieOf(header, COOKIE)
  const found = begunData.safeParse(sealed === undefined ? undefined : await sealer.open('login begun', sealed))
  if (!found.success) throw loginExpired('no login that this browser began')
  // Another issuer's answer (a mix-up), or one to a login that another browser began.
  if (found.data.issuer !== issuer || !isSame(found.data.state, state ?? '')) throw loginExpired('an answer to another login')
  return found.data
}

/** The value of Set-Cookie that keeps a proof for our own page. */
export async function keepProof(sealer: Sealer, proof: Proof): Promise<string> {
  return keep(await sealProof(sealer, proof), ISSUER_PROOF_TTL)
}

export function sealProof(sealer: Sealer, proof: Proof): Promise<string> {
  return sealer.seal('login proof', proof, ISSUER_PROOF_TTL)
}

/** The code for a game that began the login with this challenge (PKCE, RFC 7636: S256). */
export function sealCode(sealer: Sealer, challenge: string, proof: Proof): Promise<string> {
  return sealer.seal('login code', { challenge, proof }, ISSUER_CODE_TTL)
}

/** What a code stands for, for who has the verifier of its challenge. Throws LoginExpired. */
export async function openCode(sealer: Sealer, code: string, challengeOf: (verifier: string) => string, verifier: string): Promise<Proof> {
  const found = codeData.safeParse(await sealer.open('login code', code))
  if (!found.success || !isSame(challengeOf(verifier), found.data.challenge)) throw loginExpired('no code that is good for the verifier')
  return found.data.proof
}

/** A proof that a game brings, or, without one, that of the browser's cookie. Throws LoginExpired. */
export async function openProof(sealer: Sealer, given: string | undefined, header: Header): Promise<Proof> {
  const sealed = given ?? cookieOf(header, COOKIE)
  const found = proofData.safeParse(sealed === undefined ? undefined : await sealer.open('login proof', sealed))
  if (!found.success) throw loginExpired('no proof of a login')
  return found.data
}

function keep(sealed: string, ttlMs: number): string {
  return `${COOKIE}=${sealed}; ${attributes}; Max-Age=${ttlMs / 1_000}`
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

function loginExpired(found: string): BailiwickError {
  return new BailiwickError('LoginExpired', { found, todo: 'begin the login again' })
}
