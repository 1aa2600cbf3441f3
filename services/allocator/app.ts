import { AccountBars } from '../../core/account-bars.ts'
import type { Clock } from '../../core/clock.ts'
import { BailiwickError, type ErrorCode } from '../../core/errors.ts'
import { type ZoneId, zoneId } from '../../core/ids.ts'
import type { ZoneIndex } from '../../core/ports/index-port.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { ZoneSettings } from '../../core/settings.ts'
import { ACCOUNT_BARS_READ_EVERY, ZONE_WAIT_MAX } from '../../core/timing.ts'
import {
  createHttpApp,
  createInternalApp,
  type HttpApp,
  keyedId,
  keyedSecretly,
  keyOf,
  PUBLIC_BODY,
  type RateOptions,
  route,
  standardRate,
} from '../../platform/http/index.ts'
import type { Metrics } from '../../platform/metrics/index.ts'
import { bearer, type TokenVerifier } from '../../platform/tokens/index.ts'
import { autoscale, autoscaleAnswer, autoscaleReview } from './autoscale.ts'
import { IndexCopy } from './copy/index-copy.ts'
import { Crowds } from './crowds.ts'
import { joinZone } from './join.ts'
import type { Knock } from './knock.ts'
import { LayerWaits } from './layer-waits.ts'
import { joinLinks } from './links.ts'
import { type AllocatorMeters, createMeters } from './meters.ts'
import { addPlayerRoute } from './player-routes.ts'
import { joinAnswer, joinBody, zoneParams } from './schemas.ts'
import { type Sweeper, startSweeper } from './sweeper.ts'
import { Watchers } from './watchers.ts'
import { Witness } from './witness.ts'
import { addZoneRoutes } from './zone-routes.ts'

export interface AllocatorDeps {
  readonly index: ZoneIndex
  readonly verifier: TokenVerifier
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** How many reverse proxies stand in front; default 0. */
  readonly trustedProxies?: number
  /** How much one address may ask; default: standardRate. */
  readonly rate?: RateOptions
  /** How much one account may ask. */
  readonly accountRate?: RateOptions
  /** The longest that a request waits for a change of a zone, ms; default: ZONE_WAIT_MAX. */
  readonly zoneWaitMs?: number
  /** How long a join waits for its layer, ms; default: JOIN_WAIT. */
  readonly joinWaitMs?: number
  /** How it is seen whether anybody listens where a host should; default: by TCP. */
  readonly knock?: Knock
}

export interface Allocator {
  /** For players' clients. */
  readonly app: HttpApp
  /** For the cluster: the FleetAutoscaler webhook and metrics. Not to be reachable from outside. */
  readonly internal: HttpApp
  /** Begins to keep a copy of the index, from which zones are told; resolves when it was read, or could not be. To be stopped before the index is closed. */
  follow(): Promise<Following>
  /** Begins to sweep the fleets; to be stopped before the index is closed. */
  sweep(): Sweeper
}

export interface Following {
  stop(): void
}

/** An account asks for a place, and where its characters are: a person does so rarely, a client that loses its host a few times a minute. */
export const standardAccountRate: RateOptions = { perSecond: 10, burst: 100, addresses: 50_000 }

/** The allocator over an index. What it keeps is a copy of it: any number of them may run side by side. */
export function createAllocatorApp(deps: AllocatorDeps): Allocator {
  const { index, clock, log, metrics } = deps
  const waits = new LayerWaits(index, log)
  const meters = createMeters(metrics, () => waits.waiting)
  const copy = new IndexCopy(index, log)
  const watchers = new Watchers()
  const bars = new AccountBars({ index, clock, log, onBarred: () => undefined })
  const ready = async (): Promise<void> => {
    await index.ping()
    copy.assertFresh()
  }
  const app = createHttpApp({
    name: 'allocator',
    log,
    metrics,
    ready,
    clock,
    exposeMetrics: false,
    rate: deps.rate ?? standardRate,
    bodyLimit: PUBLIC_BODY,
    accountRate: deps.accountRate ?? standardAccountRate,
    trustedProxies: deps.trustedProxies ?? 0,
    openapi: { title: 'Bailiwick allocator', description: 'Where zones are served, and the way into them' },
  })
  const internal = createInternalApp({
    name: 'allocator-internal',
    log,
    metrics,
    ready,
    clock,
    openapi: { title: 'Bailiwick allocator, internal', description: 'The FleetAutoscaler webhook of Agones' },
  })
  addZoneRoutes(app, copy, watchers, deps.zoneWaitMs ?? ZONE_WAIT_MAX)
  addPlayerRoute(app, deps)
  addJoinRoute(app, { ...deps, waits, meters, copy, bars })
  addAutoscaleRoute(internal, index, meters)
  metrics.sampled('bailiwick_zone_watchers', 'Requests that wait for changes of a zone now, streams included', () => watchers.count)
  metrics.sampled('bailiwick_copied_zones', 'Zones in the copy of the index', () => copy.size)
  metrics.sampled('bailiwick_copy_age_seconds', 'How long ago the copy of the index was known to be true', () => copy.age / 1_000)
  return { app, internal, follow: () => follow(copy, bars), sweep: () => startSweeper(index, log, meters) }
}

async function follow(copy: IndexCopy, bars: AccountBars): Promise<Following> {
  await Promise.all([copy.start(), bars.look()])
  const looking = setInterval(() => void bars.look(), ACCOUNT_BARS_READ_EVERY)
  return {
    stop() {
      clearInterval(looking)
      bars.end()
      copy.stop()
    },
  }
}

interface JoinRouteDeps extends AllocatorDeps {
  readonly waits: LayerWaits
  readonly meters: AllocatorMeters
  readonly copy: IndexCopy
  /** Whom hosts would refuse: for them no zone is woken. */
  readonly bars: AccountBars
}

function addJoinRoute(app: HttpApp, deps: JoinRouteDeps): void {
  const { waits, meters, copy, bars } = deps
  const crowds = new Crowds(deps.index, deps.clock, deps.log)
  const look = deps.knock === undefined ? {} : { knock: deps.knock }
  const witness = new Witness({ index: deps.index, log: deps.log, meters, ...look })
  const spec = {
    summary: 'A place in the zone and a ticket for it, waking the zone if it sleeps',
    params: zoneParams,
    body: joinBody,
    auth: bearer(deps.verifier),
    heeds: keyedSecretly,
    answer: { status: 200, body: joinAnswer, links: joinLinks },
    errors: [
      'Banned',
      'ZoneUnknown',
      'ZoneSuspended',
      'ZoneWaking',
      'NoCapacity',
      'ZoneFull',
      'LayerQuarantined',
      'IndexUnavailable',
      'Busy',
    ],
  } as const
  route(app, 'post', '/v1/zones/:namespace/:name/join', spec, async ({ params, body, caller, signal, log, header }) => {
    const began = performance.now()
    const done = (result: 'Joined' | ErrorCode): void => meters.ended(result, (performance.now() - began) / 1_000)
    try {
      const zone = zoneId(params.namespace, params.name)
      const { index, clock, joinWaitMs } = deps
      if (bars.has(caller.account)) throw new BailiwickError('Banned', { todo: 'ask those who run the world' })
      // The access token makes it a secret: the key alone need not be one.
      const ticket = keyedId(keyOf(header), 'ticket', header('authorization') ?? '', zone, body.character)
      const settingsBefore = (asked: ZoneId): ZoneSettings | undefined => copy.settingsBefore(asked)
      const waiting = {
        index,
        clock,
        waits,
        crowds,
        meters,
        witness,
        settingsBefore,
        ...(joinWaitMs === undefined ? {} : { waitMs: joinWaitMs }),
      }
      const { character, unreached } = body
      const place = await joinZone(waiting, { zone, account: caller.account, character, unreached, ticket, signal })
      done('Joined')
      log.info({ layer: place.layer, epoch: place.epoch, account: caller.account, character }, 'join answered')
      return place
    } catch (error) {
      done(codeOf(error))
      throw error
    }
  })
}

function addAutoscaleRoute(internal: HttpApp, index: ZoneIndex, meters: AllocatorMeters): void {
  const spec = {
    summary: 'How many game servers a Fleet shall have (FleetAutoscaler webhook)',
    body: autoscaleReview,
    answer: { status: 200, body: autoscaleAnswer },
    errors: ['IndexUnavailable'],
  } as const
  route(internal, 'post', '/autoscale', spec, async ({ body, log }) => {
    try {
      const answer = await autoscale(index, body)
      meters.autoscaled('Answered')
      log.debug({ fleet: `${body.request.namespace}/${body.request.name}`, replicas: answer.response.replicas }, 'autoscale answered')
      return answer
    } catch (error) {
      meters.autoscaled(codeOf(error))
      throw error
    }
  })
}

function codeOf(error: unknown): ErrorCode {
  return error instanceof BailiwickError ? error.code : 'Internal'
}
