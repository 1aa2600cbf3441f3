import type { CustomFetch, CustomFetchOptions } from 'openid-client'

/** Descriptions, key sets and tokens take some kilobytes. */
const MAX_ANSWER_BYTES = 256 * 1024

/** An issuer's answer that is not read: too late, too long, cut short. */
export class IssuerAnswerError extends Error {
  override readonly name = 'IssuerAnswerError'
}

/**
 * Asks an issuer: the whole answer within `deadlineMs`, of no more than MAX_ANSWER_BYTES, and a redirection is never followed. What it answers throws IssuerAnswerError.
 */
export function boundedFetch(deadlineMs: number): CustomFetch {
  return (url, options) => ask(url, options, deadlineMs)
}

async function ask(url: string, { method, headers, body }: CustomFetchOptions, deadlineMs: number): Promise<Response> {
  const signal = AbortSignal.timeout(deadlineMs)
  try {
    const sent = body === undefined || body === null ? {} : { body }
    const answer = await fetch(url, { method, headers, ...sent, redirect: 'manual', signal })
    const text = await readBounded(answer)
    // A status that goes without a body takes none.
    return new Response([101, 204, 205, 304].includes(answer.status) ? null : text, {
      status: answer.status,
      headers: kept(answer.headers),
    })
  } catch (cause) {
    if (cause instanceof IssuerAnswerError) throw cause
    const found = signal.aborted ? `no answer in ${deadlineMs} ms` : reasonOf(cause)
    throw new IssuerAnswerError(`${method} ${url.split('?')[0]}: ${found}`, { cause })
  }
}

async function readBounded(answer: Response): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of answer.body ?? []) {
    length += part.byteLength
    // Leaving the loop ends the connection.
    if (length > MAX_ANSWER_BYTES) throw new IssuerAnswerError(`an answer of more than ${MAX_ANSWER_BYTES} bytes from ${answer.url}`)
    parts.push(part)
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.byteLength
  }
  return whole
}

/** What says how the body was written on the way says nothing of the body as it was read. */
function kept(headers: Headers): Headers {
  const copy = new Headers(headers)
  for (const name of ['content-encoding', 'content-length', 'transfer-encoding']) copy.delete(name)
  return copy
}

/** fetch says only "fetch failed"; what really happened is its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
