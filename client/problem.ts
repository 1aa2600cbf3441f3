import { BailiwickError, catalogue, type ErrorCode, type ErrorParts, type QueuePlace } from '../core/errors.ts'

/** The error of a code and sentence that came over the network. A code that is not of the catalogue becomes `fallback`. */
export function remoteError(
  code: string,
  message: string,
  fallback: ErrorCode,
  more: Pick<ErrorParts, 'retryAfterMs' | 'queue'> = {},
): BailiwickError {
  const known = isErrorCode(code) ? code : fallback
  const title = catalogue[known].title
  // The sender's sentence begins with the title already.
  const rest = message.startsWith(title) ? message.slice(title.length).replace(/^[;:.\s]+/, '') : message
  // What was asked and found is written out in the sentence: as the last part it is said as it came.
  return new BailiwickError(known, { ...(rest === '' ? {} : { todo: rest }), ...more })
}

/** The error of an HTTP answer that is no success: of its problem+json if it has one, else of its status. */
export async function problemOf(response: Response, asked: string): Promise<BailiwickError> {
  const retryAfterMs = readRetryAfter(response.headers.get('retry-after'))
  const body = await readJson(response)
  if (typeof body === 'object' && body !== null && 'code' in body && typeof body.code === 'string') {
    const detail = 'detail' in body && typeof body.detail === 'string' ? body.detail : ''
    const queue = 'queue' in body ? readQueue(body.queue) : undefined
    const more = { ...(retryAfterMs === undefined ? {} : { retryAfterMs }), ...(queue === undefined ? {} : { queue }) }
    return remoteError(body.code, detail, codeOfStatus(response.status), more)
  }
  return new BailiwickError(codeOfStatus(response.status), {
    asked,
    found: `status ${response.status} without a problem description`,
    todo: 'check that the URL is that of the service',
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

/** The place in the queue, as far as it can be read: who has none waits all the same. */
function readQueue(value: unknown): QueuePlace | undefined {
  if (typeof value !== 'object' || value === null || !('length' in value) || typeof value.length !== 'number') return undefined
  const place = 'place' in value && typeof value.place === 'number' ? { place: value.place } : {}
  return { ...place, length: value.length }
}

/** Milliseconds of a Retry-After in seconds; its other form, a date, is not used by our services and is passed over. */
export function readRetryAfter(header: string | null): number | undefined {
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : undefined
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(catalogue, code)
}

/** A proxy in between may answer without our codes: what its status means to the caller. */
function codeOfStatus(status: number): ErrorCode {
  if (status === 401) return 'Unauthenticated'
  if (status === 404) return 'NotFound'
  if (status === 405) return 'MethodNotAllowed'
  if (status === 413) return 'PayloadTooLarge'
  if (status === 429) return 'TooManyRequests'
  return status >= 500 ? 'Unreachable' : 'InvalidInput'
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch {
    // No JSON: the caller goes by the status.
    return undefined
  }
}
