// The side that is measured, on a core of its own: argon2id alone, then the auth service as it is.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { systemClock } from '../../../core/clock.ts'
import { serve } from '../../../platform/http/index.ts'
import { createLog } from '../../../platform/log/index.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { createTokenSigner } from '../../../platform/tokens/index.ts'
import { register } from '../../../services/auth/accounts.ts'
import { createAuthApp } from '../../../services/auth/app.ts'
import { createPasswordHasher } from '../../../services/auth/passwords.ts'
import { serveCalls } from '../kit/served.ts'
import { accountName, PASSWORD } from './load.ts'

/** One address asks more than any player would. */
const unlimited = { perSecond: 1e9, burst: 1e9, addresses: 10_000 }
/** How finely the delay of the event loop is sampled, ms: it is a part of each value. */
const RESOLUTION = 1
const passwords = createPasswordHasher()
const delay = monitorEventLoopDelay({ resolution: RESOLUTION })

serveCalls({
  /** Checks a second that the very same hasher makes when nothing else is to be done. */
  async argon({ seconds }: { readonly seconds: number }): Promise<number> {
    const stored = await passwords.hash(PASSWORD)
    const until = performance.now() + seconds * 1_000
    let done = 0
    const worker = async (): Promise<void> => {
      while (performance.now() < until) {
        await passwords.verify(PASSWORD, stored)
        done += 1
      }
    }
    const began = performance.now()
    await Promise.all([worker(), worker(), worker()])
    return done / ((performance.now() - began) / 1_000)
  },
  async auth({ accounts }: { readonly accounts: number }): Promise<number> {
    // As in production: at info, to standard output.
    const log = createLog({ name: 'auth' })
    const store = await createSqliteStore({ file: ':memory:' })
    for (let k = 0; k < accounts; k++) await register({ store, passwords, clock: systemClock }, accountName(k), PASSWORD)
    const index = createMemoryIndex({ clock: systemClock })
    const app = createAuthApp({
      ...{ store, index, log, passwords, signer: await createTokenSigner(), metrics: createMetrics('auth'), rate: unlimited },
    })
    return (await serve(app, { port: 0, host: '127.0.0.1', log })).port
  },
  watch(): void {
    delay.reset()
    delay.enable()
  },
  /** The p99 of the event loop's delay since `watch`, ms. */
  watched(): number {
    delay.disable()
    return Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION)
  },
})
