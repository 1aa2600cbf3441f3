import type { Clock } from '../../core/clock.ts'
import { systemClock } from '../../core/clock.ts'
import type { Sweeper } from '../../core/due-sweep.ts'
import type { ZoneIndex } from '../../core/ports/index-port.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { Store } from '../../core/ports/store-port.ts'
import { DELETE_GRACE } from '../../core/timing.ts'
import type { HttpApp, RateOptions } from '../../platform/http/index.ts'
import { createHttpApp, PUBLIC_BODY, standardRate } from '../../platform/http/index.ts'
import type { Metrics } from '../../platform/metrics/index.ts'
import type { TokenVerifier } from '../../platform/tokens/index.ts'
import { addReading, addWriting } from './routes.ts'
import { startDueSweeper } from './sweep.ts'

export interface CharactersDeps {
  readonly store: Store
  readonly index: Pick<ZoneIndex, 'getLocation'>
  readonly verifier: TokenVerifier
  readonly log: Log
  readonly metrics: Metrics
  readonly clock?: Clock
  /** How many reverse proxies stand in front; default 0. */
  readonly trustedProxies?: number
  /** How much one address may ask; default: standardRate. */
  readonly rate?: RateOptions
  /** Characters an account may have; default 8. */
  readonly limit?: number
  /** How long a deletion can be taken back, ms; default: DELETE_GRACE. */
  readonly deleteGraceMs?: number
  /** Names an account may take in a day; default 20. */
  readonly namesPerDay?: number
}

export const DEFAULT_LIMIT = 8
export const DEFAULT_NAMES_PER_DAY = 20

/** The characters service. It keeps nothing of its own: any number may run side by side. */
export function createCharactersApp(given: CharactersDeps): HttpApp {
  const deps = withDefaults(given)
  const app = createHttpApp({
    name: 'characters',
    log: deps.log,
    metrics: deps.metrics,
    exposeMetrics: false,
    // Without the index it answers all the same: where a character is, the store knows too.
    ready: () => deps.store.ping(),
    trustedProxies: deps.trustedProxies ?? 0,
    rate: deps.rate ?? standardRate,
    bodyLimit: PUBLIC_BODY,
    clock: deps.clock,
    openapi: { title: 'Bailiwick characters', description: 'The characters of an account, and where they are' },
  })
  addReading(app, deps)
  addWriting(app, deps)
  return app
}

/** Begins to do what is due, until it is stopped. Each service does so, in any number over one store. */
export function sweepCharacters(given: CharactersDeps): Sweeper {
  return startDueSweeper(withDefaults(given))
}

function withDefaults(given: CharactersDeps) {
  const { clock = systemClock, limit = DEFAULT_LIMIT, deleteGraceMs = DELETE_GRACE, namesPerDay = DEFAULT_NAMES_PER_DAY } = given
  return { ...given, clock, limit, deleteGraceMs, namesPerDay }
}
