import { systemClock } from '../../core/clock.ts'
import { variables } from '../../platform/config/index.ts'
import { runProgram, serve, standardRate } from '../../platform/http/index.ts'
import { createMetrics } from '../../platform/metrics/index.ts'
import { createRedisIndex } from '../../platform/redis/redis-index.ts'
import { createTokenVerifier } from '../../platform/tokens/index.ts'
import { createAllocatorApp, standardAccountRate } from './app.ts'

/** More than a replica answers: as good as none. */
const MAX_RATE = 1_000_000

const shape = {
  PORT: variables.port(8080),
  INTERNAL_PORT: variables.port(8000),
  REDIS_URL: variables.url('redis', 'rediss'),
  JWKS_URL: variables.url('http', 'https'),
  TRUSTED_PROXIES: variables.count(0, 10, 0),
  // Requests that one address, and one account, may make: so many a second for ever, so many at once after a pause.
  RATE_PER_SECOND: variables.count(1, MAX_RATE, standardRate.perSecond),
  RATE_BURST: variables.count(1, MAX_RATE, standardRate.burst),
  ACCOUNT_RATE_PER_SECOND: variables.count(1, MAX_RATE, standardAccountRate.perSecond),
  ACCOUNT_RATE_BURST: variables.count(1, MAX_RATE, standardAccountRate.burst),
}

runProgram('allocator', shape, async ({ config, log }) => {
  const index = createRedisIndex({ url: config.REDIS_URL, log })
  const verifier = createTokenVerifier({ jwksUrl: config.JWKS_URL }, { log })
  const metrics = createMetrics('allocator')
  const allocator = createAllocatorApp({
    index,
    verifier,
    clock: systemClock,
    log,
    metrics,
    trustedProxies: config.TRUSTED_PROXIES,
    rate: { ...standardRate, perSecond: config.RATE_PER_SECOND, burst: config.RATE_BURST },
    accountRate: { ...standardAccountRate, perSecond: config.ACCOUNT_RATE_PER_SECOND, burst: config.ACCOUNT_RATE_BURST },
  })
  const serving = await serve(allocator.app, { port: config.PORT, log })
  const internal = await serve(allocator.internal, { port: config.INTERNAL_PORT, log })
  const sweeper = allocator.sweep()
  const following = await allocator.follow()
  return {
    async close() {
      await Promise.all([serving.close(), internal.close()])
      following.stop()
      await sweeper.stop()
      await index.close()
    },
  }
})
