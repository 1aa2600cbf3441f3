import type { Clock } from '../../core/clock.ts'
import { systemClock } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { Store } from '../../core/ports/store-port.ts'
import type { HttpApp, RateOptions } from '../../platform/http/index.ts'
import { createHttpApp, route, standardRate } from '../../platform/http/index.ts'
import type { Metrics } from '../../platform/metrics/index.ts'
import type { TokenSigner } from '../../platform/tokens/index.ts'
import { bearer, createTokenVerifier } from '../../platform/tokens/index.ts'
import type { Account } from './accounts.ts'
import { checkCredentials, findAccount, register } from './accounts.ts'
import type { PasswordHasher } from './passwords.ts'
import { createPasswordHasher } from './passwords.ts'
import { jwksAnswer, loginBody, refreshBody, registerAnswer, registerBody, sessionAnswer } from './schemas.ts'
import type { OpenSession } from './sessions.ts'
import { endSession, openSession, rotateSession } from './sessions.ts'

export interface AuthDeps {
  readonly store: Store
  readonly signer: TokenSigner
  readonly log: Log
  readonly metrics: Metrics
  readonly clock?: Clock
  /** Default: argon2id at its standard cost. */
  readonly passwords?: PasswordHasher
  /** How many reverse proxies stand in front; default 0. */
  readonly trustedProxies?: number
  /** How much one address may ask; default: standardRate. */
  readonly rate?: RateOptions
}

/** The auth service: accounts, sessions and the keys that others check access tokens with. It keeps nothing of its own: any number may run side by side. */
export function createAuthApp(deps: AuthDeps): HttpApp {
  const app = createHttpApp({
    name: 'auth',
    log: deps.log,
    metrics: deps.metrics,
    ready: () => deps.store.ping(),
    trustedProxies: deps.trustedProxies ?? 0,
    rate: deps.rate ?? standardRate,
    ...(deps.clock === undefined ? {} : { clock: deps.clock }),
    openapi: { title: 'Bailiwick auth', description: 'Accounts, sessions and access tokens' },
  })
  const full = { ...deps, clock: deps.clock ?? systemClock, passwords: deps.passwords ?? createPasswordHasher() }
  addAccountRoutes(app, full)
  addSessionRoutes(app, full)
  addKeyRoute(app, deps.signer)
  return app
}

type FullDeps = AuthDeps & { readonly clock: Clock; readonly passwords: PasswordHasher }

function addAccountRoutes(app: HttpApp, deps: FullDeps): void {
  const results = deps.metrics.counter('auth_registrations_total', 'Accounts made')
  const spec = {
    summary: 'Makes an account',
    body: registerBody,
    answer: { status: 201, body: registerAnswer },
    errors: ['NameTaken', 'Busy', 'StoreUnavailable'],
  } as const
  route(app, 'post', '/v1/accounts', spec, async ({ body, log }) => {
    const account = await register(deps, body.name, body.password)
    results.add()
    log.info({ account: account.id }, 'account made')
    return { account }
  })
}

function addSessionRoutes(app: HttpApp, deps: FullDeps): void {
  const logins = deps.metrics.counter('auth_logins_total', 'Logins', ['result'])
  const answerFor = async (account: Account, { session, refreshToken }: OpenSession) => {
    const signed = await deps.signer.sign({ account: account.id, name: account.name, session, roles: account.roles })
    return { account, ...signed, refreshToken }
  }
  const login = {
    summary: 'Logs in: opens a session',
    body: loginBody,
    answer: { status: 201, body: sessionAnswer },
    errors: ['WrongCredentials', 'Busy', 'StoreUnavailable'],
  } as const
  route(app, 'post', '/v1/sessions', login, async ({ body, log }) => {
    const account = await checkCredentials(deps, body.name, body.password).catch((error: unknown) => {
      logins.add({ result: error instanceof BailiwickError ? error.code : 'Internal' })
      throw error
    })
    const open = await openSession(deps, account.id)
    logins.add({ result: 'Done' })
    log.info({ account: account.id, session: open.session }, 'session opened')
    return answerFor(account, open)
  })

  const refresh = {
    summary: 'Exchanges a refresh token, which is good once, for new tokens',
    body: refreshBody,
    answer: { status: 200, body: sessionAnswer },
    errors: ['SessionEnded', 'RefreshReused', 'StoreUnavailable'],
  } as const
  route(app, 'post', '/v1/sessions/refresh', refresh, async ({ body, log }) => {
    const open = await rotateSession(deps, body.refreshToken, log)
    const account = await findAccount(deps.store, open.account)
    if (account === undefined) throw new BailiwickError('SessionEnded', { found: 'no such account', todo: 'register' })
    return answerFor(account, open)
  })

  const logout = {
    summary: "Logs out: ends the access token's session; the token itself is good until it expires",
    auth: bearer(createTokenVerifier({ keys: deps.signer.publicJwks() }, { clock: deps.clock })),
    answer: { status: 204 },
    errors: ['Busy', 'StoreUnavailable'],
  } as const
  route(app, 'delete', '/v1/sessions/current', logout, async ({ caller, log }) => {
    await endSession(deps, caller.session, 'Logout')
    log.info({ account: caller.account, session: caller.session }, 'session ended')
  })
}

function addKeyRoute(app: HttpApp, signer: TokenSigner): void {
  const answer = { status: 200, body: jwksAnswer, headers: { 'cache-control': 'public, max-age=60' } } as const
  route(app, 'get', '/.well-known/jwks.json', { summary: 'The public keys of access tokens', answer }, async () => {
    return { keys: signer.publicJwks().keys.map((key) => ({ ...key })) }
  })
}
