import { systemClock } from '../../core/clock.ts'
import { variables } from '../../platform/config/index.ts'
import { runProgram, serve } from '../../platform/http/index.ts'
import { createMetrics } from '../../platform/metrics/index.ts'
import { createRedisIndex } from '../../platform/redis/redis-index.ts'
import { createTokenVerifier } from '../../platform/tokens/index.ts'
import { createAllocatorApp } from './app.ts'

const shape = {
  PORT: variables.port(8080),
  INTERNAL_PORT: variables.port(8000),
  REDIS_URL: variables.url('redis', 'rediss'),
  JWKS_URL: variables.url('http', 'https'),
  TRUSTED_PROXIES: variables.count(0, 10, 0),
}

runProgram('allocator', shape, async ({ config, log }) => {
  const index = createRedisIndex({ url: config.REDIS_URL, log })
  const verifier = createTokenVerifier({ jwksUrl: config.JWKS_URL }, { log })
  const metrics = createMetrics('allocator')
  const allocator = createAllocatorApp({ index, verifier, clock: systemClock, log, metrics, trustedProxies: config.TRUSTED_PROXIES })
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
