// The side that is measured, on a core of its own: auth and characters as they are, over one store.
import { systemClock } from '../../../core/clock.ts'
import { serve } from '../../../platform/http/index.ts'
import { createLog } from '../../../platform/log/index.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { createTokenSigner, createTokenVerifier } from '../../../platform/tokens/index.ts'
import { register } from '../../../services/auth/accounts.ts'
import { createAuthApp } from '../../../services/auth/app.ts'
import { createPasswordHasher } from '../../../services/auth/passwords.ts'
import { openSession } from '../../../services/auth/sessions.ts'
import { createCharactersApp } from '../../../services/characters/app.ts'
import { serveCalls } from '../kit/served.ts'
import type { Question } from './honest.ts'

const NAME = 'Slow_Ann'

serveCalls({
  async start(): Promise<readonly Question[]> {
    const log = createLog({ name: 'slow' })
    const store = await createSqliteStore({ file: ':memory:' })
    const index = createMemoryIndex({ clock: systemClock })
    const signer = await createTokenSigner()
    const verifier = createTokenVerifier({ keys: signer.publicJwks() })
    const passwords = createPasswordHasher()
    const auth = createAuthApp({ store, index, log, passwords, signer, metrics: createMetrics('auth') })
    const characters = createCharactersApp({ store, index, verifier, log, metrics: createMetrics('characters') })
    const account = await register({ store, passwords, clock: systemClock }, NAME, 'a pass word of hers')
    const { session } = await openSession({ store, clock: systemClock }, account, '')
    const { accessToken: token } = await signer.sign({ account: account.id, name: NAME, session, roles: ['player'] })
    const ports = await Promise.all([auth, characters].map(async (app) => (await serve(app, { port: 0, host: '127.0.0.1', log })).port))
    const [authPort = 0, charactersPort = 0] = ports
    return [
      { port: authPort, path: '/v1/accounts/current', token, holds: NAME },
      { port: charactersPort, path: '/v1/characters', token, holds: 'characters' },
    ]
  },
})
