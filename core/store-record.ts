import { BailiwickError } from './errors.ts'
import type { JsonObject, StoredRecord } from './ports/store-port.ts'

/** What fits into one record: MongoDB's documents end at 16 MiB. */
export const MAX_BLOB_BYTES = 12 * 1024 * 1024
const MAX_DATA_CHARACTERS = 1024 * 1024
const MAX_CHAIN_NAME = 400
export const MAX_READ = 1_000

/** The data as the text that is stored: exact, whatever keys and numbers it holds. Throws InvalidInput for an append that no driver takes. */
export function encodeAppend(chain: string, n: number, nonce: string, record: StoredRecord): string {
  checkPlace(chain, n)
  const data = JSON.stringify(record.data)
  if (nonce === '' || nonce.length > 200) refuse(chain, 'a nonce that is empty or too long')
  if (record.kind === '' || record.kind.length > 100) refuse(chain, 'a kind that is empty or too long')
  if (data.length > MAX_DATA_CHARACTERS) refuse(chain, `${data.length} characters of data, more than ${MAX_DATA_CHARACTERS}`)
  if (record.due !== undefined && !isTime(record.due)) refuse(chain, `due at ${record.due}`)
  const bytes = record.blob?.byteLength ?? 0
  if (bytes > MAX_BLOB_BYTES) refuse(chain, `a blob of ${bytes} bytes, more than ${MAX_BLOB_BYTES}`)
  return data
}

/** Throws StoreCorrupt when the text is not what `encodeAppend` made. */
export function decodeData(chain: string, n: number, text: unknown): JsonObject {
  try {
    const data: unknown = typeof text === 'string' ? JSON.parse(text) : undefined
    if (typeof data === 'object' && data !== null && !Array.isArray(data)) return data as JsonObject
  } catch {
    // Said below, like every other text that is no object.
  }
  throw corrupt(chain, n)
}

export function corrupt(chain: string, n: number): BailiwickError {
  return new BailiwickError('StoreCorrupt', { asked: `record ${n} of ${chain}`, todo: 'restore it from a backup' })
}

/** Throws InvalidInput for a chain or number that can't be. */
export function checkPlace(chain: string, n: number): void {
  if (chain === '' || chain.length > MAX_CHAIN_NAME) refuse(chain.slice(0, 80), 'a chain name that is empty or too long')
  if (!Number.isSafeInteger(n) || n < 1) refuse(chain, `the number ${n}; numbers begin at 1`)
}

const kindForm = /^[a-z][a-z-]{0,39}$/

/** The kind of a chain: what stands before the first slash of its name; undefined when that is none. */
export function kindOf(chain: string): string | undefined {
  const kind = chain.split('/', 1)[0] ?? ''
  return kind !== chain && kindForm.test(kind) ? kind : undefined
}

/** Throws InvalidInput for a question to `due` that can't be. */
export function checkDue(kind: string, before: number): void {
  if (!kindForm.test(kind)) refuseDue(`chains of the kind ${JSON.stringify(kind.slice(0, 80))}`)
  if (!isTime(before)) refuseDue(`what is due at ${before}`)
}

function refuseDue(asked: string): never {
  throw new BailiwickError('InvalidInput', { asked, todo: 'name a kind of chains and a time in whole milliseconds' })
}

function isTime(ms: number): boolean {
  return Number.isSafeInteger(ms) && ms >= 0
}

/** The refusal of a number above the head's + 1. */
export function hole(chain: string, n: number): BailiwickError {
  return new BailiwickError('InvalidInput', {
    asked: `record ${n} of ${chain}`,
    found: `no record ${n - 1}`,
    todo: 'append behind the head',
  })
}

function refuse(chain: string, found: string): never {
  throw new BailiwickError('InvalidInput', { asked: `an append to ${chain}`, found })
}
