import { BailiwickError } from '../../core/errors.ts'
import type { StoredAccount } from './accounts.ts'

/** Throws Banned while the account is. */
export function assertNotBanned({ ban }: StoredAccount, now: number): void {
  if (ban === undefined || (ban.until !== null && ban.until <= now)) return
  throw new BailiwickError('Banned', {
    found: ban.until === null ? ban.reason : `${ban.reason}, until ${new Date(ban.until).toISOString()}`,
    todo: 'ask those who run the world',
  })
}
