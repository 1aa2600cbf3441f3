import { chains } from '../../core/chains.ts'
import { changeChain } from '../../core/change-chain.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { ChainEntry, Store, StoredRecord } from '../../core/ports/store-port.ts'
import type { SessionRoster } from './stored.ts'
import { sessionRosterForm } from './stored.ts'

/** So many sessions an account may have at once. */
export const MAX_SESSIONS = 20
const MAX_AGENT = 120
/** Other logins may take the room that was made so often. */
const TRIES = 8

export type RosterSession = SessionRoster['sessions'][number]

/** The roster of an account; undefined: nobody ever logged in, or it was erased. */
export async function readRoster(store: Store, account: string): Promise<SessionRoster | undefined> {
  const chain = chains.sessionsOf(account)
  return rosterOf(chain, await store.head(chain))
}

/**
 * Adds a session, and notes the login. When the roster is full, `makeRoom` is asked for the ids of those that go, and has ended them when it answers; there is always one. Throws Busy.
 */
export async function enterRoster(
  store: Store,
  account: string,
  session: RosterSession,
  now: number,
  makeRoom: (full: readonly RosterSession[]) => Promise<readonly string[]>,
): Promise<void> {
  const chain = chains.sessionsOf(account)
  const entry = { ...session, agent: tidy(session.agent) }
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const full = await changeChain(store, chain, (head) => {
      const { sessions = [], usedAt } = rosterOf(chain, head) ?? {}
      // Whoever entered it died before the session was opened.
      if (sessions.some(({ id }) => id === entry.id)) return { result: undefined }
      if (sessions.length >= MAX_SESSIONS) return { result: sessions }
      return { record: written({ sessions: [...sessions, entry], lastLoginAt: now, usedAt }), result: undefined }
    })
    if (full === undefined) return
    await leaveRoster(store, account, await makeRoom(full))
  }
  throw new BailiwickError('Busy', { found: 'many logins of this account at once', todo: 'try again', retryAfterMs: 1_000 })
}

/** Takes sessions that have ended out; those that are not in it are no matter. Throws Busy. */
export async function leaveRoster(store: Store, account: string, ids: readonly string[]): Promise<void> {
  const chain = chains.sessionsOf(account)
  await changeChain(store, chain, (head) => {
    const roster = rosterOf(chain, head)
    const sessions = roster?.sessions.filter((each) => !ids.includes(each.id)) ?? []
    if (roster === undefined || sessions.length === roster.sessions.length) return { result: undefined }
    return { record: written({ ...roster, sessions }), result: undefined }
  })
}

/** Remembers that one of the account's sessions was used then (ms since 1970; undefined: nobody knows): before it ends, for what has ended is forgotten soon. Throws Busy. */
export async function noteUse(store: Store, account: string, usedAt: number | undefined): Promise<void> {
  const chain = chains.sessionsOf(account)
  await changeChain(store, chain, (head) => {
    const roster = rosterOf(chain, head)
    if (usedAt === undefined || roster === undefined || usedAt <= Math.max(roster.lastLoginAt, roster.usedAt ?? 0))
      return { result: undefined }
    return { record: written({ ...roster, usedAt }), result: undefined }
  })
}

/** Forgets the whole roster: for an account that is gone. */
export async function eraseRoster(store: Store, account: string): Promise<void> {
  const chain = chains.sessionsOf(account)
  await changeChain(
    store,
    chain,
    (head) =>
      rosterOf(chain, head) === undefined
        ? { result: undefined }
        : { record: { kind: 'erased', data: sessionRosterForm.write({}) }, result: undefined },
    'always',
  )
}

/** The later one of those that are known. */
export function latest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}

function written({ sessions, lastLoginAt, usedAt }: Omit<SessionRoster, 'kind'>): StoredRecord {
  return { kind: 'roster', data: sessionRosterForm.write({ sessions, lastLoginAt, ...(usedAt === undefined ? {} : { usedAt }) }) }
}

/** What a client calls itself is shown to the account's owner: printable, and short. */
function tidy(agent: string): string {
  return agent.replaceAll(/[^\x20-\x7e]/g, '').slice(0, MAX_AGENT)
}

function rosterOf(chain: string, head: ChainEntry | undefined): SessionRoster | undefined {
  const record = head === undefined ? undefined : sessionRosterForm.read(chain, head)
  return record?.kind === 'roster' ? record : undefined
}
