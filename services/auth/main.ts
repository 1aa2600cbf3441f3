import { systemClock } from '../../core/clock.ts'
import { variables } from '../../platform/config/index.ts'
import { runProgram, serve } from '../../platform/http/index.ts'
import { createMetrics } from '../../platform/metrics/index.ts'
import { createMongoStore } from '../../platform/mongo/index.ts'
import { createTokenSigner } from '../../platform/tokens/index.ts'
import { createAuthApp } from './app.ts'
import { startErasing } from './erasure.ts'
import { followKeyFile, readKeyFile } from './key-file.ts'

const shape = {
  PORT: variables.port(8080),
  MONGODB_URL: variables.url('mongodb', 'mongodb+srv'),
  MONGODB_DATABASE: variables.text('the name of a database').default('bailiwick'),
  SIGNING_KEY_FILE: variables.text('the path of a PKCS8 PEM file with Ed25519 private keys'),
  TRUSTED_PROXIES: variables.count(0, 10, 0),
}

runProgram('auth', shape, async ({ config, log }) => {
  const pem = readKeyFile(config.SIGNING_KEY_FILE)
  const signer = await createTokenSigner({ pem })
  const keys = followKeyFile(config.SIGNING_KEY_FILE, pem, signer, log)
  const store = createMongoStore({ url: config.MONGODB_URL, database: config.MONGODB_DATABASE })
  const app = createAuthApp({ store, signer, log, metrics: createMetrics('auth'), trustedProxies: config.TRUSTED_PROXIES })
  const serving = await serve(app, { port: config.PORT, log })
  const erasing = startErasing({ store, clock: systemClock }, log)
  return {
    async close() {
      await serving.close()
      keys.stop()
      await erasing.stop()
      await store.close()
    },
  }
})
