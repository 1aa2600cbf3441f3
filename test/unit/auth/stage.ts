import { onTestFinished } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { createTokenSigner, createTokenVerifier } from '../../../platform/tokens/index.ts'
import type { AuthDeps } from '../../../services/auth/app.ts'
import { createAuthApp } from '../../../services/auth/app.ts'
import type { Answer } from './serve-app.ts'
import { cheap, collectLog, serveApp, session } from './serve-app.ts'

export const PASSWORD = 'pass word 1'

/** The auth service over a store of its own and a clock by hand, for one test. */
export async function stage(deps: Partial<AuthDeps> = {}, port = 0) {
  const clock = new ManualClock(1_800_000_000_000)
  const index = createMemoryIndex({ clock })
  const { log, lines } = collectLog()
  const store = await createSqliteStore({ file: ':memory:' })
  const signer = await createTokenSigner({ clock })
  const metrics = createMetrics('auth')
  const served = await serveApp(createAuthApp({ store, index, signer, log, metrics, clock, passwords: cheap, ...deps }), port)
  onTestFinished(async () => {
    await served.close()
    await store.close()
  })
  const { ask } = served
  const register = (name: string, password = PASSWORD) => ask('POST', '/v1/accounts', { name, password })
  const login = (name: string, password = PASSWORD, headers?: Readonly<Record<string, string>>) =>
    ask('POST', '/v1/sessions', { name, password }, undefined, headers)
  const loggedIn = async (name: string, password = PASSWORD, headers?: Readonly<Record<string, string>>) =>
    session.parse((await login(name, password, headers)).body)
  return {
    clock,
    lines,
    store,
    index,
    signer,
    served,
    ask,
    register,
    login,
    loggedIn,
    verifier: createTokenVerifier({ keys: signer.publicJwks() }, { clock }),
    refresh: (refreshToken: string) => ask('POST', '/v1/sessions/refresh', { refreshToken }),
    /** Registers and logs in. */
    async player(name: string) {
      await register(name)
      return loggedIn(name)
    },
  }
}

export function problem(answer: Pick<Answer, 'status' | 'body'>): { readonly status: number; readonly code: unknown } {
  return { status: answer.status, code: answer.body['code'] }
}
