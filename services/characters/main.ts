import { variables } from '../../platform/config/index.ts'
import { runProgram, serve } from '../../platform/http/index.ts'
import { createMetrics } from '../../platform/metrics/index.ts'
import { createMongoStore } from '../../platform/mongo/index.ts'
import { createRedisIndex } from '../../platform/redis/redis-index.ts'
import { createTokenVerifier } from '../../platform/tokens/index.ts'
import { createCharactersApp } from './app.ts'

const shape = {
  PORT: variables.port(8080),
  MONGODB_URL: variables.url('mongodb', 'mongodb+srv'),
  MONGODB_DATABASE: variables.text('the name of a database').default('bailiwick'),
  REDIS_URL: variables.url('redis', 'rediss'),
  JWKS_URL: variables.url('http', 'https'),
  TRUSTED_PROXIES: variables.count(0, 10, 0),
}

runProgram('characters', shape, async ({ config, log }) => {
  const store = createMongoStore({ url: config.MONGODB_URL, database: config.MONGODB_DATABASE })
  const index = createRedisIndex({ url: config.REDIS_URL, log })
  const verifier = createTokenVerifier({ jwksUrl: config.JWKS_URL }, { log })
  const metrics = createMetrics('characters')
  const app = createCharactersApp({ store, index, verifier, log, metrics, trustedProxies: config.TRUSTED_PROXIES })
  const serving = await serve(app, { port: config.PORT, log })
  return {
    async close() {
      await serving.close()
      await Promise.all([index.close(), store.close()])
    },
  }
})
