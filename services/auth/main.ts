import { dueKinds } from '../../core/chains.ts'
import { systemClock } from '../../core/clock.ts'
import { variables } from '../../platform/config/index.ts'
import { createInternalApp, runProgram, serve } from '../../platform/http/index.ts'
import { createMetrics, measuredStore } from '../../platform/metrics/index.ts'
import { createMongoStore } from '../../platform/mongo/index.ts'
import { createIssuer } from '../../platform/oidc/index.ts'
import { createRedisIndex } from '../../platform/redis/redis-index.ts'
import { createTokenSigner } from '../../platform/tokens/index.ts'
import { createAuthApp } from './app.ts'
import { issuerVariables, readIssuers } from './issuer-config.ts'
import { followKeyFile, readKeyFile } from './key-file.ts'
import { startSweepingAuth } from './sweep.ts'

const shape = {
  PORT: variables.port(8080),
  INTERNAL_PORT: variables.port(8000),
  MONGODB_URL: variables.url('mongodb', 'mongodb+srv'),
  MONGODB_DATABASE: variables.text('the name of a database').default('bailiwick'),
  SIGNING_KEY_FILE: variables.text('the path of a PKCS8 PEM file with Ed25519 private keys'),
  REDIS_URL: variables.url('redis', 'rediss'),
  STAND_IN_AFTER_DAYS: variables.count(0, 3_650, 30),
  STAND_IN_SEEN_WITHIN_DAYS: variables.count(1, 3_650, 7),
  TRUSTED_PROXIES: variables.count(0, 10, 0),
  ...issuerVariables,
}

runProgram('auth', shape, async ({ config, log }) => {
  const issuers = readIssuers(config).map((settings) => createIssuer(settings, { log }))
  const pem = readKeyFile(config.SIGNING_KEY_FILE)
  const signer = await createTokenSigner({ pem })
  const keys = followKeyFile(config.SIGNING_KEY_FILE, pem, signer, log)
  const metrics = createMetrics('auth')
  const { MONGODB_URL: url, MONGODB_DATABASE: database } = config
  const store = measuredStore(createMongoStore({ url, database, dueKinds }), metrics)
  const index = createRedisIndex({ url: config.REDIS_URL, log })
  const app = createAuthApp({
    ...{ store, index, signer, issuers, log, metrics, trustedProxies: config.TRUSTED_PROXIES },
    standIn: { ownerAbsent: config.STAND_IN_AFTER_DAYS, seenWithin: config.STAND_IN_SEEN_WITHIN_DAYS },
  })
  const serving = await serve(app, { port: config.PORT, log })
  const inner = createInternalApp({ name: 'auth-internal', log, metrics, ready: () => store.ping() })
  const internal = await serve(inner, { port: config.INTERNAL_PORT, log })
  const sweeper = startSweepingAuth({ store, clock: systemClock, log, metrics })
  return {
    async close() {
      await Promise.all([serving.close(), internal.close()])
      keys.stop()
      await sweeper.stop()
      await Promise.all([index.close(), store.close()])
    },
  }
})
