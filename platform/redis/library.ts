import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Client } from './connection.ts'

/** Raised with every change of the library: a program with an older one leaves a newer one alone, so what a newer one stores must stay readable to the last release. */
export const LIBRARY_VERSION = 1

/** The parts of the function library, each after those that it uses. */
const parts = [
  'decide',
  'demand',
  'state',
  'place',
  'drain',
  'hosts',
  'tickets',
  'layers',
  'bars',
  'sweep',
  'autoscale',
  'journal',
  'news',
  'others',
  'accounts',
  'register',
]

export interface Library {
  readonly version: number
  readonly digest: string
  readonly text: string
}

export function readLibrary(): Library {
  const body = parts.map((part) => readFileSync(new URL(`./library/${part}.lua`, import.meta.url), 'utf8')).join('\n')
  const digest = createHash('sha256').update(body).digest('hex').slice(0, 16)
  const head = `#!lua name=bailiwick\nlocal VERSION, DIGEST = ${LIBRARY_VERSION}, '${digest}'\n`
  return { version: LIBRARY_VERSION, digest, text: head + body }
}

/** True when the server has no library, an older one, or another one that calls itself the same version (a program under development). */
export function isStale(loaded: readonly [number, string] | undefined, library: Library): boolean {
  if (loaded === undefined || loaded[0] < library.version) return true
  return loaded[0] === library.version && loaded[1] !== library.digest
}

/**
 * Loads the library if the server's is stale. Two programs of different versions may do so at once, and the older one come last: therefore it is
 * looked at again after loading, and with every ping.
 */
export async function ensureLibrary(client: Client, library: Library): Promise<void> {
  if (!isStale(await loadedVersion(client), library)) return
  await client.functionLoad(library.text, { REPLACE: true })
}

async function loadedVersion(client: Client): Promise<readonly [number, string] | undefined> {
  try {
    const answer: unknown = await client.fCallRo('bailiwick_version', { keys: [], arguments: [] })
    if (!Array.isArray(answer)) return undefined
    const [version, digest]: unknown[] = answer
    return typeof version === 'number' && typeof digest === 'string' ? [version, digest] : undefined
  } catch (error) {
    if (isFunctionMissing(error)) return undefined
    if (error instanceof Error && error.message.includes('unknown command'))
      throw new Error('Redis 7.0 or newer is needed', { cause: error })
    throw error
  }
}

export function isFunctionMissing(error: unknown): boolean {
  return error instanceof Error && error.message.includes('Function not found')
}
