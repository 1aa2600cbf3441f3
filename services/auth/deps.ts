import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { Store } from '../../core/ports/store-port.ts'
import type { Auth } from '../../platform/http/index.ts'
import type { Metrics } from '../../platform/metrics/index.ts'
import type { Issuer } from '../../platform/oidc/index.ts'
import type { Caller, TokenSigner } from '../../platform/tokens/index.ts'
import type { StoredAccount } from './accounts.ts'
import type { Bars } from './bans.ts'
import type { PasswordHasher } from './passwords.ts'
import type { StandInRule } from './standing.ts'
import type { Throttle } from './throttle.ts'

export interface LiveCaller extends Caller {
  readonly stored: StoredAccount
}

/** What the routes are made of. */
export interface RouteDeps {
  readonly store: Store
  readonly signer: TokenSigner
  readonly log: Log
  readonly metrics: Metrics
  readonly clock: Clock
  readonly passwords: PasswordHasher
  readonly throttle: Throttle
  /** Through which hosts hear of bans. */
  readonly index: Bars
  readonly standIn: StandInRule
  /** The issuers of accounts that players may log in with; none: there are accounts of our own alone. */
  readonly issuers: readonly Issuer[]
  /** Who calls, by the access token alone: it is good until it expires. */
  readonly auth: Auth<Caller>
  /** Who calls, and its account, when its session is one that can still be used: what is done to an account must not wait for a token to expire. */
  readonly liveAuth: Auth<LiveCaller>
}
