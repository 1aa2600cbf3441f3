import { expect } from 'vitest'
import { readAccountRecord } from '../../../core/account-record.ts'
import { chains, dueKinds } from '../../../core/chains.ts'
import { readCharacterRecord } from '../../../core/character-record.ts'
import type { Clock } from '../../../core/clock.ts'
import { ManualClock } from '../../../core/clock.ts'
import { idOf } from '../../../core/due-sweep.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import type { ArchivedStore } from '../../../core/ports/store-archive-port.ts'
import { ERASE_RETRY, ERASURE_RETRY_MAX, ERASURE_UNDECIDED, NAME_CLAIM_UNDECIDED, UNFINISHED_AFTER } from '../../../core/timing.ts'
import { readDeeds } from '../../../services/auth/audit.ts'
import { identityHolder } from '../../../services/auth/identities.ts'
import { nameHolder } from '../../../services/auth/name-claims.ts'
import { readRoster as readSessions } from '../../../services/auth/roster.ts'
import { readStaff } from '../../../services/auth/staff.ts'
import { claimForm, sessionForm } from '../../../services/auth/stored.ts'
import { sweepAuth } from '../../../services/auth/sweep.ts'
import { readRoster } from '../../../services/characters/roster.ts'
import { sweepDue } from '../../../services/characters/sweep.ts'

const LATER = Math.max(ERASURE_UNDECIDED, NAME_CLAIM_UNDECIDED, UNFINISHED_AFTER, ERASE_RETRY, ERASURE_RETRY_MAX)

/** What the services' own sweeps come to when nothing else happens any more. */
export async function comeToRest(store: ArchivedStore, now: number, at: string): Promise<Clock> {
  const clock = new ManualClock(now)
  const deps = { store, clock, limit: 8, log: silentLog }
  for (let quiet = 0, rounds = 0; quiet < 2; rounds++) {
    clock.advance(LATER)
    const looked = (await sweepAuth(deps)) + (await sweepDue(deps))
    quiet = looked === 0 ? quiet + 1 : 0
    expect(rounds, `${at}: the sweeps come to no end`).toBeLessThan(40)
  }
  return clock
}

/**
 * Whatever died: no half-made account, no name held by nobody, no session and no character without account, nothing left of who is gone, and no deed that the whole audit trail does not tell.
 */
export async function expectWhole(store: ArchivedStore, clock: Clock, at: string): Promise<void> {
  const names = await allChains(store)
  const of = (kind: string) => names.filter((name) => name.startsWith(`${kind}/`))
  const accounts = new Map<string, string>()
  const bans = new Map<string, { readonly by: string; readonly at: number }>()
  for (const chain of of('account')) {
    const record = readAccountRecord(chain, await headOf(store, chain))
    expect(record.kind, `${at}: ${chain} is deleted, but not erased`).not.toBe('deleted')
    if (record.kind !== 'created' && record.kind !== 'changed') continue
    accounts.set(idOf(chain), record.name)
    if (record.ban !== undefined) bans.set(idOf(chain), record.ban)
    expect(await nameHolder(store, record.name), `${at}: who has the name of ${record.name}`).toBe(idOf(chain))
  }
  for (const chain of of('account-name')) {
    const claim = claimForm.read(chain, await headOf(store, chain))
    if (claim.kind === 'claimed') expect(accounts.has(claim.account), `${at}: ${chain} is held by nobody`).toBe(true)
  }
  for (const chain of of('account-identity')) {
    const claim = claimForm.read(chain, await headOf(store, chain))
    if (claim.kind === 'claimed') expect(await identityHolder(store, idOf(chain)), `${at}: ${chain} opens nothing`).toBe(claim.account)
  }
  for (const chain of of('session')) {
    const session = sessionForm.read(chain, await headOf(store, chain))
    if (session.kind === 'ended') continue
    const roster = await readSessions(store, session.account)
    expect(
      roster?.sessions.map(({ id }) => id),
      `${at}: a session that its account does not know`,
    ).toContain(idOf(chain))
  }
  for (const chain of of('account-sessions')) {
    if ((await readSessions(store, idOf(chain))) !== undefined) expect(accounts.has(idOf(chain)), `${at}: ${chain} of nobody`).toBe(true)
  }
  for (const chain of of('character')) {
    const record = readCharacterRecord(chain, await headOf(store, chain))
    if (record.kind !== 'deleted') expect(accounts.has(record.account), `${at}: ${chain} of nobody`).toBe(true)
  }
  for (const chain of of('account-characters')) {
    if (!accounts.has(idOf(chain))) expect(await readRoster(store, idOf(chain)), at).toMatchObject({ slots: [], erasingAt: null })
  }
  await expectTold(store, bans, at)
  for (const kind of dueKinds) expect(await store.due(kind, clock.now(), 10), `${at}: what is due of ${kind}`).toEqual([])
}

/** No ban and no role that does not stand in the trail, which is whole. */
async function expectTold(
  store: ArchivedStore,
  bans: ReadonlyMap<string, { readonly by: string; readonly at: number }>,
  at: string,
): Promise<void> {
  const deeds = await readDeeds(store, undefined, 1_000)
  expect(
    deeds.filter(({ whole }) => !whole),
    `${at}: the audit trail`,
  ).toEqual([])
  for (const [account, { by, at: when }] of bans) {
    expect(deeds, at).toContainEqual(expect.objectContaining({ action: 'Ban', account, by, at: when }))
  }
  for (const { account, role } of await readStaff(store)) {
    if (role !== 'owner') expect(deeds, at).toContainEqual(expect.objectContaining({ action: 'Grant', account, detail: role }))
  }
}

async function headOf(store: ArchivedStore, chain: string) {
  const head = await store.head(chain)
  if (head === undefined) throw new Error(`${chain} is empty`)
  return head
}

/** Names of chains, and those alone that have records. */
async function allChains(store: ArchivedStore): Promise<readonly string[]> {
  const names: string[] = []
  for (let after: string | undefined; ; ) {
    const page = await store.chains(after, 500)
    names.push(...page)
    after = page.at(-1)
    if (after === undefined) break
  }
  const heads = await Promise.all(names.map(async (name) => ((await store.head(name)) === undefined ? [] : [name])))
  return heads.flat()
}

/** Everything that the store holds of the account's own, as text. */
export async function textOf(store: ArchivedStore, account: string): Promise<string> {
  const own = [chains.account(account), chains.sessionsOf(account), chains.charactersOf(account), chains.requestsOf(account)]
  return JSON.stringify(await Promise.all(own.map((chain) => store.read(chain, 1, 1_000))))
}
