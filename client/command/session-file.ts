import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { BailiwickError } from '../../core/errors.ts'
import { CLIENT_REQUEST_DEADLINE } from '../../core/timing.ts'
import { readAccount } from '../answers.ts'
import type { SessionStore, StoredSession } from '../sessions.ts'
import type { Environment } from './options.ts'

/** Whoever holds the lock makes one request; an older lock was left by a process that is gone. */
const LOCK_STALE = CLIENT_REQUEST_DEADLINE * 2
const LOCK_RETRY_EVERY = 50

/** The file that keeps a profile's session, in the user's configuration folder. */
export function sessionFilePath(profile: string, env: Environment): string {
  const base = env['XDG_CONFIG_HOME']
  return join(base === undefined || base === '' ? join(homedir(), '.config') : base, 'bailiwick', `session-${profile}.json`)
}

/**
 * Keeps the session in a file that its owner alone may read. The session belongs to one auth service: for another it counts as none, so that its tokens are never sent elsewhere. Programs that
 * use the file at the same time take turns.
 */
export function fileSessionStore(path: string, authUrl: string): SessionStore {
  return {
    async load() {
      const text = await readIfThere(path)
      const kept = text === undefined ? undefined : readKept(text)
      return kept?.authUrl === authUrl ? kept.session : undefined
    },
    async save(session) {
      if (session === undefined) {
        await rm(path, { force: true })
        return
      }
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      // Written whole and renamed: a reader sees the old one or the new one.
      const draft = `${path}.${process.pid}`
      await writeFile(draft, `${JSON.stringify({ authUrl, session }, undefined, 2)}\n`, { mode: 0o600 })
      await rename(draft, path)
    },
    async exclusive(work) {
      const lock = `${path}.lock`
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      await acquire(lock)
      try {
        return await work()
      } finally {
        await rm(lock, { force: true })
      }
    },
  }
}

async function acquire(lock: string): Promise<void> {
  const giveUpAt = Date.now() + LOCK_STALE + CLIENT_REQUEST_DEADLINE
  while (Date.now() < giveUpAt) {
    try {
      const file = await open(lock, 'wx', 0o600)
      await file.close()
      return
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
      if (await isStale(lock)) await rm(lock, { force: true })
      else await setTimeout(LOCK_RETRY_EVERY * (0.5 + Math.random()))
    }
  }
  throw new BailiwickError('Timeout', {
    asked: `lock ${lock}`,
    found: 'another program that holds it',
    todo: 'end that program, or delete the file',
  })
}

async function isStale(lock: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(lock)).mtimeMs > LOCK_STALE
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** Undefined for a file that is not ours, or of another release: a login writes it anew. */
function readKept(text: string): { readonly authUrl: string; readonly session: StoredSession } | undefined {
  try {
    const kept: unknown = JSON.parse(text)
    if (!isRecord(kept) || !isRecord(kept['session'])) return undefined
    const { accessToken, refreshToken, expiresAt, account, renewal } = kept['session']
    const { authUrl } = kept
    if (typeof authUrl !== 'string' || typeof accessToken !== 'string' || typeof refreshToken !== 'string') return undefined
    if (typeof expiresAt !== 'number') return undefined
    const session = { account: readAccount(account, 'account'), accessToken, refreshToken, expiresAt }
    return { authUrl, session: { ...session, ...(typeof renewal === 'string' ? { renewal } : {}) } }
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
