import type { Clock } from '../../core/clock.ts'
import { systemClock } from '../../core/clock.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { Store } from '../../core/ports/store-port.ts'
import type { HttpApp, RateOptions } from '../../platform/http/index.ts'
import { createHttpApp, PUBLIC_BODY, route, standardRate } from '../../platform/http/index.ts'
import type { Metrics } from '../../platform/metrics/index.ts'
import type { Issuer } from '../../platform/oidc/index.ts'
import type { TokenSigner } from '../../platform/tokens/index.ts'
import { bearer, createTokenVerifier } from '../../platform/tokens/index.ts'
import { addAccountRoutes } from './account-routes.ts'
import { addAdminRoutes } from './admin-routes.ts'
import type { Bars } from './bans.ts'
import type { RouteDeps } from './deps.ts'
import { addIssuerRoutes } from './issuer-routes.ts'
import { addIssuerSessionRoutes } from './issuer-session-routes.ts'
import type { PasswordHasher } from './passwords.ts'
import { createPasswordHasher } from './passwords.ts'
import { jwksAnswer } from './schemas.ts'
import { addSessionRoutes } from './session-routes.ts'
import { liveAccount } from './sessions.ts'
import type { StandInRule } from './standing.ts'
import type { Throttle } from './throttle.ts'
import { createThrottle } from './throttle.ts'

export interface AuthDeps {
  readonly store: Store
  readonly signer: TokenSigner
  /** Through which hosts hear of bans. */
  readonly index: Bars
  readonly log: Log
  readonly metrics: Metrics
  readonly clock?: Clock
  /** Default: argon2id at its standard cost. */
  readonly passwords?: PasswordHasher
  /** How many reverse proxies stand in front; default 0. */
  readonly trustedProxies?: number
  /** How much one address may ask; default: standardRate. */
  readonly rate?: RateOptions
  /** What slows down who guesses passwords; default: as throttle.ts says. */
  readonly throttle?: Throttle
  /** When an owner is absent, and who stands in: default after 30 days, who was seen within 7. */
  readonly standIn?: StandInRule
  /** Issuers of accounts that players may log in with; default: none. */
  readonly issuers?: readonly Issuer[]
}

/** The auth service: accounts, sessions and the keys that others check access tokens with. What it keeps is in the store: any number may run side by side. */
export function createAuthApp(deps: AuthDeps): HttpApp {
  const app = createHttpApp({
    name: 'auth',
    log: deps.log,
    metrics: deps.metrics,
    exposeMetrics: false,
    ready: () => deps.store.ping(),
    trustedProxies: deps.trustedProxies ?? 0,
    rate: deps.rate ?? standardRate,
    bodyLimit: PUBLIC_BODY,
    ...(deps.clock === undefined ? {} : { clock: deps.clock }),
    openapi: { title: 'Bailiwick auth', description: 'Accounts, sessions and access tokens' },
  })
  const clock = deps.clock ?? systemClock
  const auth = bearer(createTokenVerifier({ keys: () => deps.signer.publicJwks() }, { clock }))
  const full: RouteDeps = {
    store: deps.store,
    signer: deps.signer,
    log: deps.log,
    metrics: deps.metrics,
    clock,
    passwords: deps.passwords ?? createPasswordHasher(),
    throttle: deps.throttle ?? createThrottle(clock),
    index: deps.index,
    standIn: deps.standIn ?? { ownerAbsent: 30, seenWithin: 7 },
    issuers: deps.issuers ?? [],
    auth,
    async liveAuth(authorization) {
      const caller = await auth(authorization)
      return { ...caller, stored: await liveAccount({ store: deps.store, clock }, caller.account, caller.session) }
    },
  }
  addAccountRoutes(app, full)
  addSessionRoutes(app, full)
  addIssuerRoutes(app, full)
  addIssuerSessionRoutes(app, full)
  addAdminRoutes(app, full)
  addKeyRoute(app, deps.signer)
  return app
}

function addKeyRoute(app: HttpApp, signer: TokenSigner): void {
  const answer = { status: 200, body: jwksAnswer, headers: { 'cache-control': 'public, max-age=60' } } as const
  route(app, 'get', '/.well-known/jwks.json', { summary: 'The public keys of access tokens', answer }, async () => {
    return { keys: signer.publicJwks().keys.map((key) => ({ ...key })) }
  })
}
