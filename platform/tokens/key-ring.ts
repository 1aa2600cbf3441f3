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

/** More are refused: each token check of everybody else looks through what is published … */
const MAX_KEYS = 8
/** … with those that are not given any more but may have signed tokens that are still good: as many as verifiers take, and some to spare (key-source.ts). */
const MAX_PUBLISHED = 16
/**
 * Behind any change of the keys another replica may sign for so long with one that it had: it hears of the change up to SIGNING_KEY_SETTLE later than we do, and then signs with what it
 * signed with before until the new first key has settled there.
 */
const SIGNS_ELSEWHERE = 2 * SIGNING_KEY_SETTLE

interface Held extends SigningKey {
  /** When it was first published by us. */
  readonly since: number
}

/** One that is not given any more. */
interface Retired {
  readonly key: SigningKey
  /** Until when some replica may sign with it. */
  readonly signsUntil: number
}

/**
 * Which key signs and which are published, while keys come and go. The first one given signs, but not before it has been published for SIGNING_KEY_SETTLE, so that every replica
 * publishes it by then; meanwhile the one before goes on. One that is not given any more stays published until the last token that it may have signed, here or elsewhere, has ended: if
 * keys change again before that was over, then for longer, since whoever still signs with it goes on until the newest first key has settled.
 */
export class KeyRing {
  #current: readonly Held[]
  #signing: SigningKey
  #retired: ReadonlyMap<string, Retired> = new Map()

  /** The keys of the start: the first one signs at once. */
  constructor(keys: readonly [SigningKey, ...SigningKey[]]) {
    this.#current = keys.map((key) => ({ ...key, since: Number.NEGATIVE_INFINITY }))
    this.#signing = keys[0]
  }

  /** Other keys, from now on. Throws ConfigInvalid, and all stays as it was, when too many would be published: keys change faster than tokens end. */
  replace(keys: readonly [SigningKey, ...SigningKey[]], now: number): void {
    // What signs now is settled first: afterwards it is not known what did.
    this.signing(now)
    const before = this.#current
    const retired = new Map<string, Retired>()
    for (const old of before) retired.set(old.kid, { key: old, signsUntil: now + SIGNS_ELSEWHERE })
    for (const [kid, old] of this.#stillNeeded(now)) {
      retired.set(kid, { key: old.key, signsUntil: old.signsUntil > now ? now + SIGNS_ELSEWHERE : old.signsUntil })
    }
    for (const { kid } of keys) retired.delete(kid)
    if (keys.length + retired.size > MAX_PUBLISHED) {
      const found = `${retired.size} that are not given any more, but may have signed tokens that are good`
      throw new BailiwickError('ConfigInvalid', { asked: `${keys.length} signing keys`, found, todo: 'change keys less often' })
    }
    this.#retired = retired
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
    this.#retired = this.#stillNeeded(now)
    return [...this.#current, ...[...this.#retired.values()].map(({ key }) => key)]
  }

  #stillNeeded(now: number): ReadonlyMap<string, Retired> {
    return new Map([...this.#retired].filter(([, { signsUntil }]) => signsUntil + ACCESS_TOKEN_TTL + TOKEN_CLOCK_TOLERANCE > now))
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
