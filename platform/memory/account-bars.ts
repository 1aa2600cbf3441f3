import { ACCOUNT_BARS_MAX } from '../../core/index-rules.ts'
import type { AccountBars } from '../../core/ports/index-port.ts'

/** Accounts that are kept out of all layers: platform/redis/library/accounts.lua is the same in Lua. */
export function createAccountBars() {
  const until = new Map<string, number>()
  let number = 0

  function changed(now: number): void {
    for (const [account, end] of until) if (end <= now) until.delete(account)
    number = Math.max(number + 1, now)
  }

  return {
    bar(account: string, forMs: number, now: number): void {
      until.set(account, now + forMs)
      changed(now)
      if (until.size <= ACCOUNT_BARS_MAX) return
      const [first] = [...until].reduce((a, b) => (b[1] < a[1] ? b : a))
      until.delete(first)
    },
    unbar(account: string, now: number): void {
      if (until.delete(account)) changed(now)
    },
    read(since: string | undefined, now: number): AccountBars {
      const position = String(number)
      if (position === since) return { position }
      const bars = [...until].flatMap(([account, end]) => (end > now ? [{ account, forMs: end - now }] : []))
      return { position, bars: bars.sort((a, b) => (a.account < b.account ? -1 : 1)) }
    },
    clear(): void {
      until.clear()
      number = 0
    },
  }
}
