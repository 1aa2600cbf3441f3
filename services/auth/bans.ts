import type { Ban } from '../../core/account-record.ts'
import type { Clock } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { ZoneIndex } from '../../core/ports/index-port.ts'
import type { Store } from '../../core/ports/store-port.ts'
import { ACCOUNT_BAR_KEPT } from '../../core/timing.ts'
import type { StoredAccount } from './accounts.ts'
import { changeAccount } from './accounts.ts'

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
export async function ban({ store, index, clock }: BanDeps, account: string, ban: Ban): Promise<StoredAccount> {
  const changed = await changeAccount(store, account, (data) => ({ ...data, ban, sessionEpoch: data.sessionEpoch + 1 }))
  await tellBan(index, account, ban, clock.now())
  return changed
}

/** Lifts a ban. Throws as `ban` does. */
export async function unban({ store, index }: BanDeps, account: string): Promise<StoredAccount> {
  const changed = await changeAccount(store, account, (data) => {
    if (data.ban === undefined) return data
    const { ban: _, ...rest } = data
    return rest
  })
  await index.unbarAccount(account)
  return changed
}

async function tellBan(index: Bars, account: string, { until }: Ban, now: number): Promise<void> {
  const forMs = Math.min(ACCOUNT_BAR_KEPT, until === null ? ACCOUNT_BAR_KEPT : until - now)
  if (forMs > 0) await index.barAccount(account, forMs)
}
