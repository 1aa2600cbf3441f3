import { isDeepStrictEqual } from 'node:util'
import type { Ban } from '../../core/account-record.ts'
import type { Clock } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { ZoneIndex } from '../../core/ports/index-port.ts'
import type { Store } from '../../core/ports/store-port.ts'
import { ACCOUNT_BAR_KEPT } from '../../core/timing.ts'
import type { StoredAccount } from './accounts.ts'
import { changeAccount, findAccount } from './accounts.ts'

/** Others may change it while hosts are told so often. */
const TRIES = 8

/** What hosts hear of bans through. */
export type Bars = Pick<ZoneIndex, 'barAccount' | 'unbarAccount'>

export interface BanDeps {
  readonly store: Store
  readonly index: Bars
  readonly clock: Clock
}

/** True while the ban holds. */
export function isBanned(ban: Ban | undefined, now: number): ban is Ban {
  return ban !== undefined && (ban.until === null || ban.until > now)
}

/** Throws Banned while the account is. */
export function assertNotBanned({ ban }: StoredAccount, now: number): void {
  if (!isBanned(ban, now)) return
  throw new BailiwickError('Banned', {
    found: ban.until === null ? ban.reason : `${ban.reason}, until ${new Date(ban.until).toISOString()}`,
    todo: 'ask those who run the world',
  })
}

/**
 * Bans an account: its sessions end with the record in the store, and its players are cut off as soon as hosts see it in the index, which is told for as long as an access token may still be good.
 * Throws IndexUnavailable when the index could not be told: the ban stands, and asking again tells it.
 */
export async function ban(deps: BanDeps, account: string, ban: Ban): Promise<StoredAccount> {
  const changed = await changeAccount(deps.store, account, (data) => ({ ...data, ban, sessionEpoch: data.sessionEpoch + 1 }))
  await tellHosts(deps, changed)
  return changed
}

/** Lifts a ban. Throws as `ban` does. */
export async function unban(deps: BanDeps, account: string): Promise<StoredAccount> {
  const changed = await changeAccount(deps.store, account, (data) => {
    if (data.ban === undefined) return data
    const { ban: _, ...rest } = data
    return rest
  })
  await tellHosts(deps, changed)
  return changed
}

/**
 * Tells the index what the store says, and looks again: of a ban and its lifting at the same time the one that was told last need not be the one that was stored last. Whoever stored last is the last to look, so when all
 * are done hosts know what is stored. Throws IndexUnavailable, Busy.
 */
async function tellHosts({ store, index, clock }: BanDeps, account: StoredAccount): Promise<void> {
  let told = account
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const forMs = barredFor(told.ban, clock.now())
    if (forMs > 0) await index.barAccount(told.id, forMs)
    else await index.unbarAccount(told.id)
    const now = await findAccount(store, told.id)
    // Whoever deleted it meanwhile barred it, too; we may have taken that back.
    if (now === undefined) return index.barAccount(told.id, ACCOUNT_BAR_KEPT)
    if (isDeepStrictEqual(now.ban, told.ban)) return
    told = now
  }
  throw new BailiwickError('Busy', { found: 'others who ban it and lift that at once', todo: 'try again', retryAfterMs: 1_000 })
}

function barredFor(ban: Ban | undefined, now: number): number {
  return isBanned(ban, now) ? Math.min(ACCOUNT_BAR_KEPT, ban.until === null ? ACCOUNT_BAR_KEPT : ban.until - now) : 0
}
