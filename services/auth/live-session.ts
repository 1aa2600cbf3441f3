import type { ChainEntry, StoredRecord } from '../../core/ports/store-port.ts'
import { SESSION_FORGOTTEN_AFTER, SESSION_LONGEST, SESSION_TTL } from '../../core/timing.ts'
import type { StoredAccount } from './accounts.ts'
import { identityKey } from './identities.ts'
import type { LiveSession, StoredSession } from './stored.ts'
import { sessionForm } from './stored.ts'

export type EndReason = 'Logout' | 'Replaced' | 'Revoked' | 'RefreshReused' | 'TooMany' | 'Expired' | 'AccountDeleted'

/** What a session keeps from when it was opened. */
export type Opened = Pick<LiveSession, 'openedAt' | 'loggedInAt' | 'openedWith' | 'family'>

/** The session that the head of this chain is; undefined: there is none, or it has ended. Throws StoreCorrupt. */
export function liveOf(chain: string, head: ChainEntry | undefined): LiveSession | undefined {
  const record = head === undefined ? undefined : sessionForm.read(chain, head)
  return record?.kind === 'live' ? record : undefined
}

/**
 * Whether a session of the account can be used: pure. Nobody has to end those of an epoch that is over, or that were opened with a login which opens the account no more: what the account says decides it, at once and for all of them.
 */
export function isUsable(live: LiveSession | undefined, account: StoredAccount, now: number): live is LiveSession {
  if (live === undefined || live.account !== account.id || live.sessionEpoch !== account.sessionEpoch || live.expiresAt <= now) return false
  const { openedWith } = live
  return openedWith === undefined || loginOf(account, openedWith.key)?.linkedAt === openedWith.linkedAt
}

/** The login of this key (identityKey) as the account names it, by which a session knows it; undefined: the account has it not. One that was removed and linked again is another. */
export function loginOf({ identities = [] }: StoredAccount, key: string): LiveSession['openedWith'] {
  const found = identities.find((each) => identityKey(each) === key)
  return found && { key, linkedAt: found.linkedAt }
}

/** Of a session that was opened or renewed now. Due when it can not be used any more: SESSION_TTL later, and at the latest SESSION_LONGEST after it was opened, however often it is renewed. */
export function liveSession(
  account: StoredAccount,
  good: Pick<LiveSession, 'tokenHash' | 'siblings' | 'retired'>,
  opened: Opened,
  now: number,
): StoredRecord {
  const { tokenHash, siblings, retired } = good
  const { openedAt = now, loggedInAt, openedWith, family } = opened
  return recordOf({
    ...{ kind: 'live', account: account.id, sessionEpoch: account.sessionEpoch },
    ...{ tokenHash, siblings, retired, openedAt, loggedInAt, openedWith, family },
    ...{ usedAt: now, expiresAt: Math.min(now + SESSION_TTL, openedAt + SESSION_LONGEST) },
  })
}

/** The record of a session as it is. */
export function recordOf({ kind, ...session }: LiveSession): StoredRecord {
  const { siblings, retired, openedAt, usedAt, loggedInAt, openedWith, family, ...rest } = session
  const data = sessionForm.write({
    ...rest,
    ...(openedAt === undefined ? {} : { openedAt }),
    ...(usedAt === undefined ? {} : { usedAt }),
    ...(loggedInAt === undefined ? {} : { loggedInAt }),
    ...(openedWith === undefined ? {} : { openedWith: { ...openedWith } }),
    ...(family === undefined ? {} : { family }),
    ...(siblings === undefined ? {} : { siblings }),
    ...(retired === undefined ? {} : { retired: { ...retired } }),
  })
  return { kind, data, due: session.expiresAt }
}

/** It says nothing of its account any more, but when it was used last where the roster does not. Due when it is to be forgotten. */
export function ended(reason: EndReason, now: number, usedAt: number | undefined): StoredRecord {
  const data = sessionForm.write({ reason, endedAt: now, ...(usedAt === undefined ? {} : { usedAt }) })
  return { kind: 'ended', data, due: now + SESSION_FORGOTTEN_AFTER }
}

/** When it was opened or renewed last; undefined: written by a release that did not say. */
export function usedAtOf(session: StoredSession): number | undefined {
  return session.kind === 'live' ? (session.usedAt ?? session.openedAt) : session.usedAt
}
