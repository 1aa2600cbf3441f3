import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { chains } from '../../core/chains.ts'
import { changeChain } from '../../core/change-chain.ts'
import type { Clock } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { ChainEntry, Store } from '../../core/ports/store-port.ts'
import { HTTP_REQUEST_DEADLINE, SESSION_TTL } from '../../core/timing.ts'
import type { StoredAccount } from './accounts.ts'
import { findAccount, wrongCredentials } from './accounts.ts'
import { assertNotBanned } from './bans.ts'
import type { RosterSession } from './roster.ts'
import { enterRoster, eraseRoster, leaveRoster, readRoster } from './roster.ts'
import type { LiveData } from './stored.ts'
import { liveData, randomId, read } from './stored.ts'

/**
 * A session is a chain `session/<id>`; its n counts the rotations. Records `live` hold the hash of the one refresh token that is good now; `ended` is the
 * last one. A refresh token is `<session>.<secret>`: who shows the session's id with another secret than the newest has an old token (used before, so
 * one of two holders is a thief) and the session ends. It has ended, too, when its account is gone, banned, or in a later session epoch.
 */
export interface SessionDeps {
  readonly store: Store
  readonly clock: Clock
}

export interface OpenSession {
  readonly session: string
  readonly account: StoredAccount
  readonly refreshToken: string
}

/** A session as its account is shown it; times in ms since 1970. */
export interface SessionView {
  readonly id: string
  readonly openedAt: number
  readonly usedAt: number
  readonly expiresAt: number
  /** What the client called itself when it logged in. */
  readonly agent: string
}

type EndReason = 'Logout' | 'Revoked' | 'RefreshReused' | 'TooMany' | 'Expired' | 'AccountDeleted'

const tokenForm = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/

/**
 * Opens a session for the account, always with a new id: `given`, where what lets it be opened is good for one alone. It stands in the account's roster before it can be used; an account that has as many as it
 * may have loses the one that was quiet the longest. Throws Banned, Busy; WrongCredentials when the account was deleted meanwhile; SessionEnded when there was a session of that id before, and it has ended then.
 */
export async function openSession(deps: SessionDeps, account: StoredAccount, agent: string, given?: string): Promise<OpenSession> {
  const { store, clock } = deps
  assertNotBanned(account, clock.now())
  if (given !== undefined && (await store.head(chains.session(given))) !== undefined) return openedBefore(deps, given)
  const session = given ?? randomId()
  const now = clock.now()
  await enterRoster(store, account.id, { id: session, openedAt: now, agent }, now, async (full) => {
    const views = await Promise.all(full.map((each) => viewSession(deps, account, each)))
    const live = views.filter((view) => view !== undefined)
    if (live.length < full.length) {
      const dead = full.filter((each) => !live.some((view) => view.id === each.id)).map((each) => each.id)
      // What nobody can use any more still holds the account's id, and erasure finds it by the roster alone.
      for (const id of dead) await endSession(deps, id, 'Expired')
      return dead
    }
    const quietest = live.reduce((a, b) => (b.usedAt < a.usedAt ? b : a))
    await endSession(deps, quietest.id, 'TooMany')
    return [quietest.id]
  })
  const { refreshToken, data } = newToken(session, account, { openedAt: now, now })
  const answer = await store.append(chains.session(session), 1, randomId(), { kind: 'live', data: { ...data } })
  if (answer === 'Conflict') return openedBefore(deps, session)
  if ((await findAccount(store, account.id)) === undefined) {
    // Its erasure may have looked before we wrote.
    await endSession(deps, session, 'AccountDeleted')
    await eraseRoster(store, account.id)
    throw wrongCredentials()
  }
  return { session, account, refreshToken }
}

/** One of the two who want it is not the player. */
async function openedBefore(deps: SessionDeps, session: string): Promise<never> {
  await endSession(deps, session, 'RefreshReused')
  throw sessionEnded()
}

/** Exchanges a refresh token for the next one. Throws SessionEnded; Banned; RefreshReused, and the session is ended then. */
export async function rotateSession(deps: SessionDeps, refreshToken: string, log: Log): Promise<OpenSession> {
  const { store, clock } = deps
  const [, session, secret] = tokenForm.exec(refreshToken) ?? []
  if (session === undefined || secret === undefined) throw sessionEnded()
  const chain = chains.session(session)
  const head = await store.head(chain)
  const live = liveOf(chain, head)
  if (head === undefined || live === undefined || live.expiresAt <= clock.now()) throw sessionEnded()
  if (!sameHash(hashOf(secret), live.tokenHash)) return reused(deps, session, live.account, log)
  const account = await findAccount(store, live.account)
  if (account === undefined || account.sessionEpoch !== live.sessionEpoch) throw sessionEnded()
  assertNotBanned(account, clock.now())
  const next = newToken(session, account, { openedAt: live.openedAt, now: clock.now() })
  const answer = await store.append(chain, head.n + 1, randomId(), { kind: 'live', data: { ...next.data } })
  if (answer === 'Conflict') {
    if ((await store.head(chain))?.kind !== 'live') throw sessionEnded()
    return reused(deps, session, account.id, log)
  }
  // Not each time: it takes as much as all the rest.
  if ((head.n + 1) % PRUNE_EVERY === 0) await store.prune(chain, head.n + 1)
  return { session, account, refreshToken: next.refreshToken }
}

const PRUNE_EVERY = 8

/** The account of a session that can still be used. Throws SessionEnded, Banned. For routes that must not wait for an access token to expire. */
export async function liveAccount({ store, clock }: SessionDeps, account: string, session: string): Promise<StoredAccount> {
  const chain = chains.session(session)
  const [head, found] = await Promise.all([store.head(chain), findAccount(store, account)])
  const live = liveOf(chain, head)
  if (found === undefined || live?.account !== account || live.sessionEpoch !== found.sessionEpoch) throw sessionEnded()
  assertNotBanned(found, clock.now())
  return found
}

/** When the session's login was (ms since 1970); undefined: it is not known, or the session has ended. */
export async function loginTimeOf(store: Store, session: string): Promise<number | undefined> {
  const chain = chains.session(session)
  return liveOf(chain, await store.head(chain))?.openedAt
}

/** The sessions of the account that can still be used, the newest first. */
export async function listSessions(deps: SessionDeps, account: StoredAccount): Promise<readonly SessionView[]> {
  const roster = await readRoster(deps.store, account.id)
  const views = await Promise.all((roster?.sessions ?? []).map((each) => viewSession(deps, account, each)))
  return views.filter((view) => view !== undefined).toSorted((a, b) => b.openedAt - a.openedAt)
}

/** When the account was last used: the latest login, or use of a session that lives; undefined: never. */
export async function lastSeen(deps: SessionDeps, account: StoredAccount): Promise<number | undefined> {
  const roster = await readRoster(deps.store, account.id)
  if (roster === undefined) return undefined
  const views = await Promise.all(roster.sessions.map((each) => viewSession(deps, account, each)))
  return Math.max(roster.lastLoginAt, ...views.map((view) => view?.usedAt ?? 0))
}

/** Ends one of the account's own sessions. Throws SessionUnknown for one that is not, or has ended; Busy. */
export async function revokeSession(deps: SessionDeps, account: StoredAccount, session: string): Promise<void> {
  const chain = chains.session(session)
  const live = liveOf(chain, await deps.store.head(chain))
  if (live === undefined || live.account !== account.id || live.sessionEpoch !== account.sessionEpoch) {
    throw new BailiwickError('SessionUnknown', { asked: session, todo: 'list the sessions' })
  }
  await endSession(deps, session, 'Revoked')
  await leaveRoster(deps.store, account.id, [session])
}

/** Ends a session; one that is unknown or has ended stays as it is. Throws Busy when it is being rotated all the time. */
export async function endSession({ store, clock }: SessionDeps, session: string, reason: EndReason): Promise<void> {
  await changeChain(
    store,
    chains.session(session),
    (head) =>
      head === undefined || head.kind === 'ended'
        ? { result: undefined }
        : { record: { kind: 'ended', data: { reason, endedAt: clock.now() } }, result: undefined },
    'always',
  )
}

/** Logs a session out: ended, and gone from the roster. */
export async function logout(deps: SessionDeps, account: string, session: string): Promise<void> {
  await endSession(deps, session, 'Logout')
  await leaveRoster(deps.store, account, [session])
}

/** What is to be shown of a session in the roster; undefined: it can't be used any more. */
async function viewSession({ store, clock }: SessionDeps, account: StoredAccount, entry: RosterSession): Promise<SessionView | undefined> {
  const { id, openedAt, agent } = entry
  const chain = chains.session(id)
  const head = await store.head(chain)
  // It stands in the roster first: it is being opened.
  if (head === undefined && clock.now() - openedAt < HTTP_REQUEST_DEADLINE) {
    return { id, openedAt, usedAt: openedAt, expiresAt: openedAt + SESSION_TTL, agent }
  }
  const live = liveOf(chain, head)
  if (live === undefined || live.expiresAt <= clock.now() || live.sessionEpoch !== account.sessionEpoch) return undefined
  return { id, openedAt, usedAt: live.usedAt ?? openedAt, expiresAt: live.expiresAt, agent }
}

function liveOf(chain: string, head: ChainEntry | undefined): LiveData | undefined {
  return head?.kind === 'live' ? read(liveData, chain, head) : undefined
}

async function reused(deps: SessionDeps, session: string, account: string, log: Log): Promise<never> {
  await endSession(deps, session, 'RefreshReused')
  log.warn({ account, session }, 'a refresh token was used twice; the session was ended')
  throw new BailiwickError('RefreshReused', { todo: 'log in again; if it was not you who used it, change the password' })
}

function newToken(
  session: string,
  account: StoredAccount,
  { openedAt, now }: { readonly openedAt: number | undefined; readonly now: number },
) {
  const secret = randomBytes(32).toString('base64url')
  const data: LiveData = {
    account: account.id,
    tokenHash: hashOf(secret),
    expiresAt: now + SESSION_TTL,
    sessionEpoch: account.sessionEpoch,
    openedAt: openedAt ?? now,
    usedAt: now,
  }
  return { refreshToken: `${session}.${secret}`, data }
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
