import { dueKinds } from '../../core/chains.ts'
import { variables } from '../../platform/config/index.ts'
import { createInternalApp, runProgram, serve } from '../../platform/http/index.ts'
import { createMetrics, measuredStore } from '../../platform/metrics/index.ts'
import { createMongoStore } from '../../platform/mongo/index.ts'
import { createRedisIndex } from '../../platform/redis/redis-index.ts'
import { createTokenVerifier } from '../../platform/tokens/index.ts'
import { createCharactersApp, DEFAULT_LIMIT, DEFAULT_NAMES_PER_DAY, sweepCharacters } from './app.ts'

const DAY = 24 * 3_600_000

const shape = {
  PORT: variables.port(8080),
  INTERNAL_PORT: variables.port(8000),
  MONGODB_URL: variables.url('mongodb', 'mongodb+srv'),
  MONGODB_DATABASE: variables.text('the name of a database').default('bailiwick'),
  REDIS_URL: variables.url('redis', 'rediss'),
  JWKS_URL: variables.url('http', 'https'),
  TRUSTED_PROXIES: variables.count(0, 10, 0),
  CHARACTERS_PER_ACCOUNT: variables.count(1, 100, DEFAULT_LIMIT),
  NAMES_PER_DAY: variables.count(1, 1_000_000, DEFAULT_NAMES_PER_DAY),
  DELETE_GRACE_DAYS: variables.count(0, 365, 7),
}

runProgram('characters', shape, async ({ config, log }) => {
  const metrics = createMetrics('characters')
  const { MONGODB_URL: url, MONGODB_DATABASE: database } = config
  const store = measuredStore(createMongoStore({ url, database, dueKinds }), metrics)
  const index = createRedisIndex({ url: config.REDIS_URL, log })
  const verifier = createTokenVerifier({ jwksUrl: config.JWKS_URL }, { log })
  const deps = {
    store,
    index,
    verifier,
    log,
    metrics,
    trustedProxies: config.TRUSTED_PROXIES,
    limit: config.CHARACTERS_PER_ACCOUNT,
    namesPerDay: config.NAMES_PER_DAY,
    deleteGraceMs: config.DELETE_GRACE_DAYS * DAY,
  }
  const serving = await serve(createCharactersApp(deps), { port: config.PORT, log })
  const inner = createInternalApp({ name: 'characters-internal', log, metrics, ready: () => store.ping() })
  const internal = await serve(inner, { port: config.INTERNAL_PORT, log })
  const sweeper = sweepCharacters(deps)
  return {
    async close() {
      await Promise.all([serving.close(), internal.close(), sweeper.stop()])
      await Promise.all([index.close(), store.close()])
    },
  }
})
