import type { ErrorCode, QueuePlace } from '../../core/errors.ts'
import { BailiwickError, catalogue } from '../../core/errors.ts'
import type { z } from '../../core/validate/index.ts'

/** An error as RFC 9457 writes it, with our code. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ErrorCode
  readonly detail?: string
  /** The path that was asked, without its query. */
  readonly instance: string
  readonly requestId: string
  /** Where the one who asked stands, when there is a queue. */
  readonly queue?: QueuePlace
}

/** Their parts tell of our inside (addresses, records): for the log, not for the sender. */
const inner = new Set<ErrorCode>(['Internal', 'ConfigInvalid', 'StoreCorrupt', 'StoreUnavailable', 'IndexUnavailable', 'IssuerUnavailable'])
const MAX_DETAIL = 500

/** The body of the answer to `error`. */
export function toProblem(error: BailiwickError, instance: string, requestId: string): Problem {
  const { status, title } = catalogue[error.code]
  const detail = detailOf(error)
  return {
    type: `urn:bailiwick:error:${error.code}`,
    title,
    status,
    code: error.code,
    ...(detail === '' ? {} : { detail }),
    instance: instance.slice(0, MAX_DETAIL),
    requestId,
    ...(error.queue === undefined ? {} : { queue: error.queue }),
  }
}

/** Whole seconds for the Retry-After header, rounded up; undefined when there is none to send. */
export function retryAfterSeconds(error: BailiwickError): number | undefined {
  if (error.retryAfterMs !== undefined) return Math.max(1, Math.ceil(error.retryAfterMs / 1_000))
  return error.status === 503 ? 1 : undefined
}

/** Any thrown value as an error of the catalogue: what the frameworks throw at bad requests is InvalidInput, the unknown is Internal. */
export function asBailiwickError(error: unknown): BailiwickError {
  if (error instanceof BailiwickError) return error
  const type = field(error, 'type')
  const status = field(error, 'status')
  if (type === 'entity.too.large') {
    return new BailiwickError('PayloadTooLarge', {
      todo: `send a body of at most ${Number(field(error, 'limit')) / 1_024} KiB`,
      cause: error,
    })
  }
  const explained = typeof type === 'string' ? bodyFaults[type] : undefined
  if (explained !== undefined) return new BailiwickError('InvalidInput', { ...explained, cause: error })
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new BailiwickError('InvalidInput', {
      found: 'a request that can not be read',
      todo: 'check its address and encoding',
      cause: error,
    })
  }
  return new BailiwickError('Internal', { cause: error })
}

/** What the check of a request part found, with the place of each fault. Values are not repeated: they may be secret. */
export function invalidInput(part: 'path' | 'query' | 'body', error: z.core.$ZodError): BailiwickError {
  const faults = error.issues.slice(0, 5).map((issue) => {
    const place = issue.path.map(String).join('.').slice(0, 80)
    return place === '' ? issue.message : `${place}: ${issue.message}`
  })
  return new BailiwickError('InvalidInput', { asked: part, found: faults.join('; ').slice(0, MAX_DETAIL) })
}

const bodyFaults: Readonly<Record<string, { readonly found: string; readonly todo: string }>> = {
  'entity.parse.failed': { found: 'a body that is no JSON', todo: 'send a JSON object' },
  'encoding.unsupported': { found: 'a compressed body', todo: 'send it uncompressed' },
  'charset.unsupported': { found: 'a body that is not UTF-8', todo: 'send UTF-8' },
  'request.size.invalid': { found: 'a body of another length than announced', todo: 'send it again' },
  'request.aborted': { found: 'a body that broke off', todo: 'send it again' },
}

function detailOf(error: BailiwickError): string {
  const pieces: string[] = []
  if (!inner.has(error.code)) {
    if (error.asked !== undefined) pieces.push(`asked: ${error.asked}`)
    if (error.found !== undefined) pieces.push(`found: ${error.found}`)
  }
  if (error.code !== 'Internal' && error.todo !== undefined) pieces.push(error.todo)
  return pieces.join('; ').slice(0, MAX_DETAIL)
}

function field(error: unknown, name: 'type' | 'status' | 'limit'): unknown {
  return typeof error === 'object' && error !== null && name in error ? Reflect.get(error, name) : undefined
}
