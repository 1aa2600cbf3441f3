import { BailiwickError, describeError, type ErrorCode, isCode } from '../../core/errors.ts'
import { isRecord } from './objects.ts'

interface Asked {
  readonly method: string
  readonly path: string
}

/** Bounds what of a server's answer gets into an error. */
const MAX_FOUND = 600

/** The error of a status ≥ 400, in the server's own words: 404 NotFound, 409 KubernetesConflict, 410 KubernetesGone, 429 and 5xx KubernetesUnavailable, else KubernetesRefused. */
export function refused(asked: Asked, status: number, body: string, retryAfter?: string): BailiwickError {
  const seconds = retryAfter === undefined ? Number.NaN : Number(retryAfter)
  return new BailiwickError(codeOf(status), {
    asked: `${asked.method} ${asked.path}`,
    found: `${status} ${messageOf(body)}`.slice(0, MAX_FOUND),
    ...(Number.isFinite(seconds) && seconds >= 0 ? { retryAfterMs: seconds * 1_000 } : {}),
    ...(status === 403 ? { todo: 'give the service account this right' } : {}),
  })
}

/** The error of a request that got no (whole) answer. An error of ours is passed on as it is. */
export function unreachable(asked: Asked, cause: unknown): BailiwickError {
  if (cause instanceof BailiwickError) return cause
  return new BailiwickError('KubernetesUnavailable', { asked: `${asked.method} ${asked.path}`, found: describeError(cause), cause })
}

/** `undefined` instead of NotFound. */
export async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (isCode(error, 'NotFound')) return undefined
    throw error
  }
}

function codeOf(status: number): ErrorCode {
  if (status === 404) return 'NotFound'
  if (status === 409) return 'KubernetesConflict'
  if (status === 410) return 'KubernetesGone'
  return status === 429 || status >= 500 ? 'KubernetesUnavailable' : 'KubernetesRefused'
}

function messageOf(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body)
    if (isRecord(parsed) && typeof parsed['message'] === 'string') return parsed['message']
  } catch {
    // Not every error has a Status as body: a proxy's page is told as it is.
  }
  return body.trim()
}
