import type { KeyObject } from 'node:crypto'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { JWK } from 'jose'
import { calculateJwkThumbprint, exportJWK } from 'jose'
import { BailiwickError } from '../../core/errors.ts'
import { ACCESS_TOKEN_TTL, SIGNING_KEY_SETTLE, TOKEN_CLOCK_TOLERANCE } from '../../core/timing.ts'
import { ALGORITHM } from './claims.ts'

/** A key that signs, and its public half as it is published. */
export interface SigningKey {
  readonly kid: string
  readonly key: KeyObject
  readonly jwk: JWK
}

/** More are refused: each token check of everybody else looks through what is published. */
const MAX_KEYS = 8

interface Held extends SigningKey {
  /** When it was first published by us. */
  readonly since: number
}

/**
 * Which key signs and which are published, while keys come and go. The first one given signs, but not before it has been published for SIGNING_KEY_SETTLE, so that every replica
 * publishes it by then; meanwhile the one before goes on. One that is not given any more stays published until the last token that it may have signed has ended.
 */
export class KeyRing {
  #current: readonly Held[]
  #signing: SigningKey
  readonly #retired = new Map<string, { readonly key: SigningKey; readonly until: number }>()

  /** The keys of the start: the first one signs at once. */
  constructor(keys: readonly [SigningKey, ...SigningKey[]]) {
    this.#current = keys.map((key) => ({ ...key, since: Number.NEGATIVE_INFINITY }))
    this.#signing = keys[0]
  }

  /** Other keys, from now on. */
  replace(keys: readonly [SigningKey, ...SigningKey[]], now: number): void {
    // What signs now is settled first: afterwards it is not known what did.
    this.signing(now)
    const before = this.#current
    const until = now + SIGNING_KEY_SETTLE + ACCESS_TOKEN_TTL + TOKEN_CLOCK_TOLERANCE
    for (const old of before) if (!keys.some((key) => key.kid === old.kid)) this.#retired.set(old.kid, { key: old, until })
    this.#current = keys.map((key) => ({ ...key, since: before.find((old) => old.kid === key.kid)?.since ?? now }))
  }

  /** The key that signs now. */
  signing(now: number): SigningKey {
    const [first] = this.#current
    if (first !== undefined && now - first.since >= SIGNING_KEY_SETTLE) this.#signing = first
    return this.#signing
  }

  /** The public keys that tokens may be checked with now. */
  published(now: number): readonly JWK[] {
    return this.known(now).map(({ jwk }) => jwk)
  }

  /** The keys that something may have been signed or sealed with that is still good, each once. */
  known(now: number): readonly SigningKey[] {
    for (const [kid, { until }] of this.#retired) if (until <= now) this.#retired.delete(kid)
    const kids = new Map<string, SigningKey>()
    for (const key of [...this.#current, ...[...this.#retired.values()].map((retired) => retired.key)]) kids.set(key.kid, key)
    return [...kids.values()]
  }
}

/** The Ed25519 keys of one or several PKCS8 PEM blocks, in their order. Throws ConfigInvalid, which quotes nothing of them. */
export async function readKeys(pem: string): Promise<readonly [SigningKey, ...SigningKey[]]> {
  const blocks = pem.match(/-----BEGIN [A-Z ]+-----[\s\S]*?-----END [A-Z ]+-----/g) ?? [pem]
  if (blocks.length > MAX_KEYS) {
    throw new BailiwickError('ConfigInvalid', { asked: 'signing keys', found: `${blocks.length}`, todo: `keep at most ${MAX_KEYS}` })
  }
  const [first, ...more] = await Promise.all(blocks.map((block) => signingKey(readKey(block))))
  if (first === undefined) throw new BailiwickError('Internal', { found: 'no key of a key' })
  return [first, ...more]
}

/** The key with its public half, named by its thumbprint (RFC 7638). */
export async function signingKey(key: KeyObject): Promise<SigningKey> {
  const publicJwk = await exportJWK(createPublicKey(key))
  const kid = await calculateJwkThumbprint(publicJwk)
  return { kid, key, jwk: { ...publicJwk, kid, alg: ALGORITHM, use: 'sig' } }
}

function readKey(pem: string): KeyObject {
  const todo = 'make one with: openssl genpkey -algorithm ed25519'
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch {
    // The library's error is left out: it may quote the key.
    throw new BailiwickError('ConfigInvalid', { asked: 'a signing key', found: 'a text that is no PKCS8 PEM private key', todo })
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new BailiwickError('ConfigInvalid', { asked: 'an Ed25519 signing key', found: `a key of type ${key.asymmetricKeyType}`, todo })
  }
  return key
}
