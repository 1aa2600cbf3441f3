import { chains } from '../../core/chains.ts'
import { type Change, changeChain } from '../../core/change-chain.ts'
import type { Clock } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { Store } from '../../core/ports/store-port.ts'
import { HTTP_REQUEST_DEADLINE, SESSION_TTL } from '../../core/timing.ts'
import type { StoredAccount } from './accounts.ts'
import { findAccount, wrongCredentials } from './accounts.ts'
import { assertNotBanned } from './bans.ts'
import type { EndReason } from './live-session.ts'
import { ended, isUsable, liveOf, liveSession, loginOf, recordOf, usedAtOf } from './live-session.ts'
import { beside, type Renewal, renew } from './refresh-rule.ts'
import { hashOf, isOfFamily, newFamily, newToken, readToken } from './refresh-token.ts'
import type { RosterSession } from './roster.ts'
import { enterRoster, eraseRoster, latest, leaveRoster, noteUse, readRoster } from './roster.ts'
import { randomId, sessionForm } from './stored.ts'

/**
 * A session is a chain `session/<id>`; its n counts the rotations. Records `live` hold the hash of the refresh token that is good now; `ended` is the
 * last one, and SESSION_FORGOTTEN_AFTER later the chain is removed. Who shows one of its refresh tokens (refresh-token.ts) that is not the newest has an old one (used before, so
 * one of two holders is a thief, unless refresh-rule.ts knows better) and the session ends. It has ended, too, when its account is gone, banned, in a later session epoch, or not opened any more by the login that opened it
 * (live-session.ts).
 */
export interface SessionDeps {
  readonly store: Store
  readonly clock: Clock
}

export interface OpenSession {
  readonly session: string
  readonly account: StoredAccount
  readonly refreshToken: string
  /** The same was asked before: this is beside what was answered then. */
  readonly again: boolean
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

/**
 * Opens a session for the account. It stands in the account's roster before it can be used; an account that has as many as it may have loses the one that was quiet the longest. `given`: its
 * id, where the same request may have opened it already; default: a new one. Throws Banned, Busy; WrongCredentials when the account was deleted meanwhile, or lost the login; with an id that was there before SessionEnded
 * (and it has ended then) or, where such a session goes on, IdempotencyKeyReused when it has ended.
 */
export async function openSession(deps: SessionDeps, account: StoredAccount, agent: string, given?: GivenId): Promise<OpenSession> {
  const { store, clock } = deps
  assertNotBanned(account, clock.now())
  const session = given?.id ?? randomId()
  const known = given && (await openedBefore(deps, account, given))
  if (known !== undefined) return known
  const openedWith = given?.login === undefined ? undefined : loginOf(account, given.login)
  if (given?.login !== undefined && openedWith === undefined) throw wrongCredentials('log in again')
  const now = clock.now()
  await enterRoster(store, account.id, { id: session, openedAt: now, agent }, now, (full) => makeRoom(deps, account, full))
  const family = newFamily()
  const { refreshToken, hash } = newToken(session, family)
  const key = given?.key
  const retired = key === undefined ? undefined : { hashes: [], at: now, key: hashOf(key) }
  const record = liveSession(
    account,
    { tokenHash: hash, retired },
    { openedAt: now, loggedInAt: given?.loggedInAt, openedWith, family },
    now,
  )
  const appended = await store.append(chains.session(session), 1, randomId(), record)
  if ((await findAccount(store, account.id)) === undefined) {
    // Its erasure may have looked before we wrote, if only the roster.
    await endSession(deps, session, 'AccountDeleted')
    await eraseRoster(store, account.id)
    throw wrongCredentials()
  }
  if (appended !== 'Conflict') return { session, account, refreshToken, again: false }
  // The same request, at the same time.
  const other = given && (await openedBefore(deps, account, given))
  if (other === undefined) throw new BailiwickError('Internal', { found: `a session that is gone: ${session}` })
  return other
}

/** The id of a session that is to be opened, and what happens when there is one of that id: `GoesOn`, it is the same request again; `Ends`, what lets it be opened is good once, and one of the two who have it is not the player. */
export interface GivenId {
  readonly id: string
  readonly repeated: 'GoesOn' | 'Ends'
  /** Of the request. Whoever knows that of the one that opened the session goes on with it all the same, until its first token is used. */
  readonly key?: string | undefined
  /** When the issuer that vouches for it saw the player log in. */
  readonly loggedInAt?: number | undefined
  /** The login of an issuer (identityKey) that opens it: it ends when the account loses that. */
  readonly login?: string | undefined
}

/** For a request with a key. */
export function goesOn(id: string | undefined): GivenId | undefined {
  return id === undefined ? undefined : { id, repeated: 'GoesOn' }
}

async function openedBefore(deps: SessionDeps, account: StoredAccount, { id, repeated, key }: GivenId): Promise<OpenSession | undefined> {
  if (repeated === 'GoesOn') return goOn(deps, account, id)
  const head = await deps.store.head(chains.session(id))
  if (head === undefined) return undefined
  const opened = liveOf(chains.session(id), head)?.retired
  if (key !== undefined && opened?.hashes.length === 0 && opened.key === hashOf(key)) return goOn(deps, account, id)
  await endOwn(deps, account.id, id, 'RefreshReused')
  throw sessionEnded()
}

async function makeRoom(deps: SessionDeps, account: StoredAccount, full: readonly RosterSession[]): Promise<readonly string[]> {
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
}

/** Another refresh token of a session of the account, beside the one whose answer may be lost; undefined: there is no such session. Throws IdempotencyKeyReused, Busy. */
async function goOn({ store, clock }: SessionDeps, account: StoredAccount, session: string): Promise<OpenSession | undefined> {
  const chain = chains.session(session)
  return changeChain(store, chain, (head): Change<OpenSession | undefined> => {
    if (head === undefined) return { result: undefined }
    const now = clock.now()
    const live = liveOf(chain, head)
    if (!isUsable(live, account, now)) {
      throw new BailiwickError('IdempotencyKeyReused', { found: 'a session that has ended', todo: 'log in with another key' })
    }
    const { refreshToken, hash } = newToken(session, live.family)
    const record = liveSession(account, beside(live, hash), live, now)
    return { record, result: { session, account, refreshToken, again: true } }
  })
}

/** Exchanges a refresh token for the next one. Throws SessionEnded; Banned; Busy; RefreshReused, and the session is ended then. */
export async function rotateSession(
  deps: SessionDeps,
  refreshToken: string,
  { key, fromPage, log }: { readonly key: string | undefined; readonly fromPage: boolean; readonly log: Log },
): Promise<OpenSession> {
  const { store, clock } = deps
  const shown = readToken(refreshToken)
  if (shown === undefined) throw sessionEnded()
  const { session, secret } = shown
  const chain = chains.session(session)
  const renewal: Renewal = { hash: hashOf(secret), key: key === undefined ? undefined : hashOf(key), fromPage }
  const owner = liveOf(chain, await store.head(chain))?.account
  if (owner === undefined) throw sessionEnded()
  const account = await findAccount(store, owner)
  const renewed = await changeChain(store, chain, (head): Change<OpenSession | undefined> => {
    const now = clock.now()
    const live = liveOf(chain, head)
    if (live === undefined || live.account !== owner || live.expiresAt <= now || !isOfFamily(secret, live.family)) throw sessionEnded()
    const next = newToken(session, live.family)
    const good = renew(live, renewal, next.hash, now)
    if (good === undefined) return { result: undefined }
    if (account === undefined || !isUsable(live, account, now)) throw sessionEnded()
    assertNotBanned(account, now)
    const record = liveSession(account, good, live, now)
    const again = good.siblings !== undefined
    return { record, result: { session, account, refreshToken: next.refreshToken, again } }
  })
  return renewed ?? reused(deps, session, owner, log)
}

/** The account of a session that can still be used. Throws SessionEnded, Banned. For routes that must not wait for an access token to expire. */
export async function liveAccount({ store, clock }: SessionDeps, account: string, session: string): Promise<StoredAccount> {
  const chain = chains.session(session)
  const [head, found] = await Promise.all([store.head(chain), findAccount(store, account)])
  const live = liveOf(chain, head)
  if (found === undefined || !isUsable(live, found, clock.now())) throw sessionEnded()
  assertNotBanned(found, clock.now())
  return found
}

/** When the issuer that vouched for the session saw the player log in (ms since 1970); undefined: none did, or it does not say, or the session has ended. */
export async function loginTimeOf(store: Store, session: string): Promise<number | undefined> {
  const chain = chains.session(session)
  return liveOf(chain, await store.head(chain))?.loggedInAt
}

/** The sessions of the account that can still be used, the newest first. */
export async function listSessions(deps: SessionDeps, account: StoredAccount): Promise<readonly SessionView[]> {
  const roster = await readRoster(deps.store, account.id)
  const views = await Promise.all((roster?.sessions ?? []).map((each) => viewSession(deps, account, each)))
  return views.filter((view) => view !== undefined).toSorted((a, b) => b.openedAt - a.openedAt)
}

/** When the account was last used: the latest login, or use of a session, whether that lives or is gone; undefined: never. */
export async function lastSeen({ store }: SessionDeps, account: string): Promise<number | undefined> {
  const roster = await readRoster(store, account)
  if (roster === undefined) return undefined
  const used = roster.sessions.map(async ({ id }) => {
    const chain = chains.session(id)
    const head = await store.head(chain)
    return head === undefined ? undefined : usedAtOf(sessionForm.read(chain, head))
  })
  return latest(roster.lastLoginAt, roster.usedAt, ...(await Promise.all(used)))
}

/** Ends one of the account's own sessions. Throws SessionUnknown for one that is not, or has ended; Busy. */
export async function revokeSession(deps: SessionDeps, account: StoredAccount, session: string): Promise<void> {
  const chain = chains.session(session)
  const live = liveOf(chain, await deps.store.head(chain))
  if (!isUsable(live, account, deps.clock.now())) {
    throw new BailiwickError('SessionUnknown', { asked: session, todo: 'list the sessions' })
  }
  await endOwn(deps, account.id, session, 'Revoked')
}

/**
 * Ends a session; one that is unknown or has ended stays as it is. Its account's roster knows when it was used last before it ends: whatever dies behind that, a session that is forgotten is not forgotten to have been used.
 * Where the roster can not be told the session ends all the same, for it may be a thief's, and says so itself; then throws what was thrown there. Throws Busy when it is being rotated all the time.
 */
export async function endSession({ store, clock }: SessionDeps, session: string, reason: EndReason): Promise<void> {
  const chain = chains.session(session)
  const untold = await changeChain(
    store,
    chain,
    async (head): Promise<Change<{ readonly error: unknown } | undefined>> => {
      const live = liveOf(chain, head)
      if (live === undefined) return { result: undefined }
      const usedAt = usedAtOf(live)
      // The roster of one that is deleted is erased anyway.
      const result = reason === 'AccountDeleted' ? undefined : await failureOf(noteUse(store, live.account, usedAt))
      // One that nobody can use any more can wait.
      if (result !== undefined && reason === 'Expired') throw result.error
      return { record: ended(reason, clock.now(), result && usedAt), result }
    },
    'always',
  )
  if (untold !== undefined) throw untold.error
}

/**
 * Ends the session whose refresh token a browser had in its cookie until that of another session, `by`, took its place: nobody but a thief has it any more (OWASP ASVS 5, 7.2.4). Only for what was a token of that session. Throws Busy.
 */
export async function endReplaced(deps: SessionDeps, kept: string | undefined, by: string): Promise<void> {
  const shown = kept === undefined ? undefined : readToken(kept)
  if (shown === undefined || shown.session === by) return
  const chain = chains.session(shown.session)
  const live = liveOf(chain, await deps.store.head(chain))
  if (live?.family !== undefined && isOfFamily(shown.secret, live.family)) await endOwn(deps, live.account, shown.session, 'Replaced')
}

/** The session goes on without this login, whether or not that opened it: for whoever removes it. Throws Busy. */
export async function goOnWithout(store: Store, session: string, login: string): Promise<void> {
  const chain = chains.session(session)
  await changeChain(
    store,
    chain,
    (head): Change<undefined> => {
      const live = liveOf(chain, head)
      if (live?.openedWith?.key !== login) return { result: undefined }
      const { openedWith: _, ...without } = live
      return { record: recordOf(without), result: undefined }
    },
    'always',
  )
}

/**
 * What is done with a session that is due. One that nobody used for SESSION_TTL is ended and taken out of the roster: what nobody can use says nothing of its account. One that has ended long ago is forgotten. Safe twice.
 */
export async function settleSession(deps: SessionDeps, session: string): Promise<void> {
  const chain = chains.session(session)
  const head = await deps.store.head(chain)
  const live = liveOf(chain, head)
  if (head === undefined || (head.due ?? Number.POSITIVE_INFINITY) > deps.clock.now()) return
  if (live === undefined) {
    await deps.store.remove(chain, head.n)
    return
  }
  await endOwn(deps, live.account, session, 'Expired')
}

/** Logs a session out. */
export async function logout(deps: SessionDeps, account: string, session: string): Promise<void> {
  await endOwn(deps, account, session, 'Logout')
}

/** Ends a session of this account and takes it out of the roster. */
async function endOwn(deps: SessionDeps, account: string, session: string, reason: EndReason): Promise<void> {
  await endSession(deps, session, reason)
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
  if (!isUsable(live, account, clock.now())) return undefined
  return { id, openedAt, usedAt: live.usedAt ?? openedAt, expiresAt: live.expiresAt, agent }
}

async function reused(deps: SessionDeps, session: string, account: string, log: Log): Promise<never> {
  await endOwn(deps, account, session, 'RefreshReused')
  log.warn({ account, session }, 'a refresh token was used twice; the session was ended')
  throw new BailiwickError('RefreshReused', { todo: 'log in again; if it was not you who used it, change the password' })
}

async function failureOf(work: Promise<void>): Promise<{ readonly error: unknown } | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    return { error }
  }
}

function sessionEnded(): BailiwickError {
  return new BailiwickError('SessionEnded', { todo: 'log in again' })
}
