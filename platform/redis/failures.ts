import { ErrorReply } from 'redis'
import { BailiwickError, describeError } from '../../core/errors.ts'

/** A call or a step of connecting that took too long. */
export class Overdue extends Error {
  override readonly name = 'Overdue'
}

/** Answers of a server that may serve again later, or that another may serve: what a restart, a fail-over or a full disk look like. */
const refusals = [
  'LOADING',
  'READONLY',
  'MASTERDOWN',
  'CLUSTERDOWN',
  'TRYAGAIN',
  'MOVED',
  'NOREPLICAS',
  'MISCONF',
  'OOM',
  'BUSY',
  'NOAUTH',
  'WRONGPASS',
  'NOPERM',
]

export function isReadOnly(error: unknown): boolean {
  return error instanceof ErrorReply && error.message.startsWith('READONLY')
}

function isRefusal(error: unknown): boolean {
  return error instanceof ErrorReply && refusals.some((word) => error.message.startsWith(word))
}

/** What callers of the index see: IndexUnavailable, or Internal when the server did answer, and not as the library does. */
export function translate(address: string, error: unknown): BailiwickError {
  if (error instanceof BailiwickError) return error
  if (error instanceof ErrorReply && !isRefusal(error)) {
    return new BailiwickError('Internal', { asked: `the zone index at ${address}`, found: error.message, cause: error })
  }
  return unavailable(address, describeError(error), error)
}

export function unavailable(address: string, found: string, cause?: unknown): BailiwickError {
  return new BailiwickError('IndexUnavailable', { asked: `the zone index at ${address}`, found, retryAfterMs: 1_000, cause })
}

/** Host and port of a URL, without its credentials. Throws ConfigInvalid. */
export function addressOf(url: string): string {
  if (!URL.canParse(url)) throw invalid()
  const { protocol, hostname, port } = new URL(url)
  if (protocol !== 'redis:' && protocol !== 'rediss:') throw invalid()
  return `${hostname}:${port === '' ? '6379' : port}`
}

function invalid(): BailiwickError {
  return new BailiwickError('ConfigInvalid', { asked: "the zone index's URL", todo: 'write redis://host:port, or rediss:// for TLS' })
}
