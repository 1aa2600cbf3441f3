import { readFileSync } from 'node:fs'
import { BailiwickError } from '../../core/errors.ts'
import { variables } from '../../platform/config/index.ts'
import { runProgram, serve } from '../../platform/http/index.ts'
import { createMetrics } from '../../platform/metrics/index.ts'
import { createMongoStore } from '../../platform/mongo/index.ts'
import { createTokenSigner } from '../../platform/tokens/index.ts'
import { createAuthApp } from './app.ts'

const shape = {
  PORT: variables.port(8080),
  MONGODB_URL: variables.url('mongodb', 'mongodb+srv'),
  MONGODB_DATABASE: variables.text('the name of a database').default('bailiwick'),
  SIGNING_KEY_FILE: variables.text('the path of a PKCS8 PEM file with an Ed25519 private key'),
  TRUSTED_PROXIES: variables.count(0, 10, 0),
}

runProgram('auth', shape, async ({ config, log }) => {
  const signer = await createTokenSigner({ pem: readKeyFile(config.SIGNING_KEY_FILE) })
  const store = createMongoStore({ url: config.MONGODB_URL, database: config.MONGODB_DATABASE })
  const app = createAuthApp({ store, signer, log, metrics: createMetrics('auth'), trustedProxies: config.TRUSTED_PROXIES })
  const serving = await serve(app, { port: config.PORT, log })
  return {
    async close() {
      await serving.close()
      await store.close()
    },
  }
})

function readKeyFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new BailiwickError('ConfigInvalid', {
      asked: `SIGNING_KEY_FILE ${path}`,
      found: 'no file that can be read',
      todo: 'mount one',
      cause,
    })
  }
}
