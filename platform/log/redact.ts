/** What a log line shows in place of a secret. */
const REDACTED = '[redacted]'

const secretNames = new Set([
  'authorization',
  'cookie',
  'setcookie',
  'password',
  'passwd',
  'passwordhash',
  'token',
  'accesstoken',
  'refreshtoken',
  'idtoken',
  'ticket',
  'ticketid',
  'secret',
  'clientsecret',
  'privatekey',
  'signingkey',
  'apikey',
])

const credentialsInUrl = /([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#@]{0,1000}@/gi
const bearer = /\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi
const jsonWebToken = /\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*/g

/** Bounds of what one field of a line may grow to. */
const MAX_TEXT = 4_000
const MAX_DEPTH = 6
const MAX_ENTRIES = 100

/** `text` without URL credentials, bearer tokens and JSON web tokens, cut to a bounded length. */
export function redactText(text: string): string {
  // Cut after the replacing, with room for what a cut in the middle of a secret would hide from the patterns.
  const near = text.slice(0, MAX_TEXT + 2_000)
  const clean = near.replace(credentialsInUrl, `$1${REDACTED}@`).replace(bearer, `$1 ${REDACTED}`).replace(jsonWebToken, REDACTED)
  return clean.length > MAX_TEXT ? `${clean.slice(0, MAX_TEXT)}…` : clean
}

/** A copy of `fields` fit for a log line: secrets replaced at any depth, errors as plain objects, everything bounded. Never throws. */
export function redactFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return redactEntries(Object.entries(fields), 0)
}

function redactEntries(entries: readonly (readonly [string, unknown])[], depth: number): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (const [name, value] of entries.slice(0, MAX_ENTRIES)) {
    copy[name] = isSecretName(name) && value !== undefined && value !== null ? REDACTED : redactValue(value, depth + 1)
  }
  return copy
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return typeof value === 'function' || typeof value === 'symbol' ? undefined : value
  if (depth > MAX_DEPTH) return '[deeper]'
  if (value instanceof Error) return redactError(value, depth)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (value instanceof URL) return redactText(value.href)
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) return value.slice(0, MAX_ENTRIES).map((item) => redactValue(item, depth + 1))
  if (value instanceof Map) return `[map of ${value.size}]`
  if (value instanceof Set) return `[set of ${value.size}]`
  return redactEntries(Object.entries(value), depth)
}

/** Own fields of a foreign error (a driver's request, its options) may hold anything: only what explains it is kept. */
function redactError(error: Error, depth: number): Record<string, unknown> {
  const code = 'code' in error && (typeof error.code === 'string' || typeof error.code === 'number') ? error.code : undefined
  return {
    name: error.name,
    message: redactText(error.message),
    ...(code === undefined ? {} : { code }),
    ...(error.stack === undefined ? {} : { stack: redactText(error.stack) }),
    ...(error.cause === undefined ? {} : { cause: redactValue(error.cause, depth + 1) }),
  }
}

function isSecretName(name: string): boolean {
  return secretNames.has(name.toLowerCase().replaceAll(/[-_.\s]/g, ''))
}
