import { createHash } from 'node:crypto'
import { BailiwickError } from '../../core/errors.ts'
import { Prepared } from './reply.ts'

/** What an Idempotency-Key may be. */
const keyForm = /^[\x21-\x7e]{1,200}$/

/** Of a route that heeds the key, for its document. */
export const keyedHeader = {
  'idempotency-key': {
    says: 'A key of your own, such as a UUID: the request is done once, and a repetition within 24 hours gets the same answer',
    pattern: keyForm,
  },
} as const

/** Of a route whose answer is not kept, because it is a secret. */
export const keyedSecretly = {
  'idempotency-key': {
    says: 'A key of your own, such as a UUID that nobody else knows: a repetition does nothing twice, and is answered with fresh secrets for what was done',
    pattern: keyForm,
  },
} as const

/** What the answer to a repetition says. */
export const replayedSays = { 'idempotency-replayed': 'true: the answer to an earlier request with this key' } as const

const REPLAYED = { 'idempotency-replayed': 'true' } as const

/** The same answer, marked as one to a repetition. */
export function replayed({ status, headers, body }: Prepared): Prepared {
  return new Prepared(status, { ...headers, ...REPLAYED }, body)
}

/** The Idempotency-Key that a request brings; undefined: none. Throws InvalidInput for one that is none. */
export function keyOf(header: (name: string) => string | undefined): string | undefined {
  const key = header('idempotency-key')
  return key === undefined ? undefined : readKey(key)
}

/** Throws InvalidInput for one that is none. */
export function readKey(key: string): string {
  if (keyForm.test(key)) return key
  throw new BailiwickError('InvalidInput', { asked: 'Idempotency-Key', todo: 'send 1 to 200 visible ASCII characters, such as a UUID' })
}

/**
 * The id that what a request makes shall have: 128 bits, the same for the same key and scope, and another for any other. So a repetition finds what the request before made, and nothing has to be
 * kept of either. Undefined without a key.
 */
export function keyedId(key: string | undefined, ...scope: readonly string[]): string | undefined {
  if (key === undefined) return undefined
  const digest = createHash('sha256')
    .update(JSON.stringify([...scope, key]))
    .digest()
  return digest.subarray(0, 16).toString('base64url')
}
