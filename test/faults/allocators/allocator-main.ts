// The allocator as services/allocator/main.ts runs it, but patient: in a test no host dies, and no wait ends, because the machine is busy.
import { systemClock } from '../../../core/clock.ts'
import { variables } from '../../../platform/config/index.ts'
import { runProgram, serve, standardRate } from '../../../platform/http/index.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import { createTokenVerifier } from '../../../platform/tokens/index.ts'
import { createAllocatorApp } from '../../../services/allocator/app.ts'
import { PATIENT } from './patient.ts'

const shape = {
  PORT: variables.port(0),
  INTERNAL_PORT: variables.port(0),
  REDIS_URL: variables.url('redis', 'rediss'),
  JWKS_URL: variables.url('http', 'https'),
}

runProgram('allocator', shape, async ({ config, log }) => {
  const index = createRedisIndex({ url: config.REDIS_URL, log, timing: PATIENT })
  const verifier = createTokenVerifier({ jwksUrl: config.JWKS_URL }, { log })
  const metrics = createMetrics('allocator')
  const allocator = createAllocatorApp({ index, verifier, clock: systemClock, log, metrics, rate: standardRate })
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
