import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { chains } from '../../core/chains.ts'
import type { Clock } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { Store } from '../../core/ports/store-port.ts'
import { SESSION_TTL } from '../../core/timing.ts'
import { z } from '../../core/validate/index.ts'
import { randomId, read } from './accounts.ts'

/**
 * A session is a chain `session/<id>`; its n counts the rotations. Records `live` hold the hash of the one refresh token that is good now; `ended` is the
 * last one. A refresh token is `<session>.<secret>`: who shows the session's id with another secret than the newest has an old token (used before, so
 * one of two holders is a thief) and the session ends.
 */
export interface SessionDeps {
  readonly store: Store
  readonly clock: Clock
}

export interface OpenSession {
  readonly session: string
  readonly account: string
  readonly refreshToken: string
}

const liveData = z.object({ account: z.string(), tokenHash: z.string(), expiresAt: z.number() })
const tokenForm = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/
const END_TRIES = 8
const PRUNE_EVERY = 8

/** Opens a session for the account. */
export async function openSession({ store, clock }: SessionDeps, account: string): Promise<OpenSession> {
  const session = randomId()
  const { refreshToken, data } = newToken(session, account, clock)
  await store.append(chains.session(session), 1, randomId(), { kind: 'live', data })
  return { session, account, refreshToken }
}

/** Exchanges a refresh token for the next one. Throws SessionEnded; RefreshReused, and the session is ended then. */
export async function rotateSession(deps: SessionDeps, refreshToken: string, log: Log): Promise<OpenSession> {
  const { store, clock } = deps
  const [, session, secret] = tokenForm.exec(refreshToken) ?? []
  if (session === undefined || secret === undefined) throw sessionEnded()
  const chain = chains.session(session)
  const head = await store.head(chain)
  if (head === undefined || head.kind !== 'live') throw sessionEnded()
  const { account, tokenHash, expiresAt } = read(liveData, chain, head)
  if (expiresAt <= clock.now()) throw sessionEnded()
  if (!sameHash(hashOf(secret), tokenHash)) return reused(deps, session, account, log)
  const next = newToken(session, account, clock)
  const answer = await store.append(chain, head.n + 1, randomId(), { kind: 'live', data: next.data })
  if (answer === 'Conflict') {
    if ((await store.head(chain))?.kind !== 'live') throw sessionEnded()
    return reused(deps, session, account, log)
  }
  // Not each time: it takes as much as all the rest.
  if ((head.n + 1) % PRUNE_EVERY === 0) await store.prune(chain, head.n + 1)
  return { session, account, refreshToken: next.refreshToken }
}

/** Ends a session; one that is unknown or has ended stays as it is. Throws Busy when it is being rotated all the time. */
export async function endSession({ store, clock }: SessionDeps, session: string, reason: 'Logout' | 'RefreshReused'): Promise<void> {
  const chain = chains.session(session)
  const nonce = randomId()
  for (let attempt = 0; attempt < END_TRIES; attempt++) {
    const head = await store.head(chain)
    if (head === undefined || head.kind === 'ended') return
    const n = head.n + 1
    if ((await store.append(chain, n, nonce, { kind: 'ended', data: { reason, endedAt: clock.now() } })) === 'Done') {
      await store.prune(chain, n)
      return
    }
  }
  throw new BailiwickError('Busy', { asked: 'the end of a session', found: 'others changing it', todo: 'try again', retryAfterMs: 1_000 })
}

async function reused(deps: SessionDeps, session: string, account: string, log: Log): Promise<never> {
  await endSession(deps, session, 'RefreshReused')
  log.warn({ account, session }, 'a refresh token was used twice; the session was ended')
  throw new BailiwickError('RefreshReused', { todo: 'log in again; if it was not you who used it, change the password' })
}

function newToken(session: string, account: string, clock: Clock) {
  const secret = randomBytes(32).toString('base64url')
  return {
    refreshToken: `${session}.${secret}`,
    data: { account, tokenHash: hashOf(secret), expiresAt: clock.now() + SESSION_TTL },
  }
}

/** A secret of 256 random bits needs no slow hash. */
function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

function sameHash(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

function sessionEnded(): BailiwickError {
  return new BailiwickError('SessionEnded', { todo: 'log in again' })
}
