import type { KeyObject } from 'node:crypto'
import { verify } from 'node:crypto'
import { z } from '../../core/validate/index.ts'
import { ALGORITHM } from './claims.ts'

/** What a token's header may say, as far as it is heeded. */
export interface TokenHeader {
  readonly alg: typeof ALGORITHM
  readonly kid?: string
}

/** A signed token in its compact form (RFC 7515, 7.1), read and not yet believed. */
export interface CompactToken {
  readonly header: TokenHeader
  /** What the signature is over. */
  readonly signed: Buffer
  readonly payload: Buffer
  readonly signature: Buffer
}

/** When a token counts, seconds. */
export interface TokenTimes {
  readonly now: number
  readonly tolerance: number
  readonly maxAge: number
}

/** Another writing of the same bytes, padding or letters of plain base64 are no token of ours. */
const threeParts = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/
const utf8 = new TextDecoder('utf-8', { fatal: true })
/** An extension that must be understood (`crit`) is one that is not. */
const headerShape = z.object({
  alg: z.literal(ALGORITHM),
  typ: z.string().regex(/^(application\/)?jwt$/i),
  kid: z.string().optional(),
  crit: z.undefined().optional(),
  b64: z.undefined().optional(),
})
/** RFC 7519, 4.1: the claims that say whether a token counts at all. */
const standardClaims = z.looseObject({
  iss: z.string(),
  aud: z.union([z.string(), z.array(z.unknown())]),
  exp: z.number(),
  iat: z.number(),
  nbf: z.number().optional(),
})

/** Throws when it is no token, or one of another algorithm or type. */
export function readCompact(token: string): CompactToken {
  const parts = threeParts.exec(token)
  if (parts === null) throw new Error('no compact token')
  const [, header = '', payload = '', signature = ''] = parts
  const bytes = (part: string): Buffer => Buffer.from(part, 'base64url')
  return {
    header: headerOf(bytes(header)),
    signed: Buffer.from(`${header}.${payload}`, 'latin1'),
    payload: bytes(payload),
    signature: bytes(signature),
  }
}

function headerOf(bytes: Buffer): TokenHeader {
  const { alg, kid } = headerShape.parse(JSON.parse(utf8.decode(bytes)))
  return kid === undefined ? { alg } : { alg, kid }
}

/** Within the call: the check takes a tenth of a millisecond, and the way to another thread and back several. */
export function isSignedBy({ signed, signature }: CompactToken, key: KeyObject): boolean {
  // Whatever the key source gave: no other algorithm is tried.
  return key.type === 'public' && key.asymmetricKeyType === 'ed25519' && verify(null, signed, key, signature)
}

/** It was good once. */
export class TokenExpired extends Error {}

/** What a token says that is rightly signed. Throws TokenExpired, and another error when it is from or for others or from the future. */
export function claimsOf({ payload }: CompactToken, issuer: string, audience: string, times: TokenTimes): unknown {
  const said: unknown = JSON.parse(utf8.decode(payload))
  const { iss, aud, exp, iat, nbf } = standardClaims.parse(said)
  if (iss !== issuer || ![aud].flat().includes(audience)) throw new Error('a token from or for others')
  const { now, tolerance, maxAge } = times
  if (now < iat - tolerance || now < (nbf ?? now) - tolerance) throw new Error('a token from the future')
  if (exp <= now - tolerance || now - iat - tolerance > maxAge) throw new TokenExpired()
  return said
}
