import type { Clock } from '../../core/clock.ts'
import { BailiwickError, type ErrorCode } from '../../core/errors.ts'
import { zoneId } from '../../core/ids.ts'
import type { LayerView, ZoneIndex } from '../../core/ports/index-port.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { ZoneSettings } from '../../core/settings.ts'
import { createHttpApp, type HttpApp, route } from '../../platform/http/index.ts'
import type { Metrics } from '../../platform/metrics/index.ts'
import { bearer, type TokenVerifier } from '../../platform/tokens/index.ts'
import { autoscale, autoscaleAnswer, autoscaleReview } from './autoscale.ts'
import { Crowds } from './crowds.ts'
import { detailZone, summarizeZone } from './describe-zone.ts'
import { joinZone, readLayers, zoneUnknown } from './join.ts'
import { LayerWaits } from './layer-waits.ts'
import { type AllocatorMeters, createMeters } from './meters.ts'
import { joinAnswer, joinBody, zoneAnswer, zoneParams, zonesAnswer } from './schemas.ts'
import { type Sweeper, startSweeper } from './sweeper.ts'

export interface AllocatorDeps {
  readonly index: ZoneIndex
  readonly verifier: TokenVerifier
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** How many reverse proxies stand in front; default 0. */
  readonly trustedProxies?: number
  /** How long a join waits for its layer, ms; default: JOIN_WAIT. */
  readonly joinWaitMs?: number
}

export interface Allocator {
  /** For players' clients. */
  readonly app: HttpApp
  /** For the cluster: the FleetAutoscaler webhook and metrics. Not to be reachable from outside. */
  readonly internal: HttpApp
  /** Begins to sweep the fleets; to be stopped before the index is closed. */
  sweep(): Sweeper
}

/** The allocator over an index. It keeps nothing of its own: any number of them may run side by side. */
export function createAllocatorApp(deps: AllocatorDeps): Allocator {
  const { index, clock, log, metrics } = deps
  const waits = new LayerWaits(index, log)
  const meters = createMeters(metrics, () => waits.waiting)
  const ready = (): Promise<void> => index.ping()
  const app = createHttpApp({
    name: 'allocator',
    log,
    metrics,
    ready,
    clock,
    exposeMetrics: false,
    trustedProxies: deps.trustedProxies ?? 0,
    openapi: { title: 'Bailiwick allocator', description: 'Where zones are served, and the way into them' },
  })
  const internal = createHttpApp({
    name: 'allocator-internal',
    log,
    metrics,
    ready,
    clock,
    rate: 'none',
    openapi: { title: 'Bailiwick allocator, internal', description: 'The FleetAutoscaler webhook of Agones' },
  })
  addZoneRoutes(app, index)
  addJoinRoute(app, deps, waits, meters)
  addAutoscaleRoute(internal, index, meters)
  return { app, internal, sweep: () => startSweeper(index, log, meters) }
}

function addZoneRoutes(app: HttpApp, index: ZoneIndex): void {
  const list = {
    summary: 'All zones with their players',
    answer: { status: 200, body: zonesAnswer },
    errors: ['IndexUnavailable'],
  } as const
  route(app, 'get', '/v1/zones', list, async () => {
    const zones = await index.listZones()
    const layers = await layersByZone(index, zones)
    return { zones: zones.map((settings) => summarizeZone(settings, layers.get(settings.zone) ?? [])) }
  })
  const resolve = {
    summary: 'Where a zone is served; never wakes it',
    params: zoneParams,
    answer: { status: 200, body: zoneAnswer },
    errors: ['ZoneUnknown', 'IndexUnavailable'],
  } as const
  route(app, 'get', '/v1/zones/:namespace/:name', resolve, async ({ params }) => {
    const zone = zoneId(params.namespace, params.name)
    const settings = await index.getZone(zone)
    if (settings === undefined) throw zoneUnknown(zone)
    return detailZone(settings, await readLayers(index, settings))
  })
}

/** One read a fleet, however many zones. */
async function layersByZone(index: ZoneIndex, zones: readonly ZoneSettings[]): Promise<ReadonlyMap<string, readonly LayerView[]>> {
  const fleets = [...new Set(zones.map((settings) => settings.fleet))]
  const views = await Promise.all(fleets.map(async (fleet) => (await index.fleetView(fleet)).layers.map((view) => ({ fleet, view }))))
  const fleetOf = new Map(zones.map((settings) => [settings.zone as string, settings.fleet]))
  const layers = views.flat().filter(({ fleet, view }) => fleetOf.get(zoneOf(view)) === fleet)
  return Map.groupBy(
    layers.map(({ view }) => view),
    zoneOf,
  )
}

function zoneOf(view: LayerView): string {
  return view.layer.slice(0, view.layer.lastIndexOf('/'))
}

function addJoinRoute(app: HttpApp, deps: AllocatorDeps, waits: LayerWaits, meters: AllocatorMeters): void {
  const crowds = new Crowds(deps.index, deps.clock, deps.log)
  const spec = {
    summary: 'A place in the zone and a ticket for it, waking the zone if it sleeps',
    params: zoneParams,
    body: joinBody,
    auth: bearer(deps.verifier),
    answer: { status: 200, body: joinAnswer },
    errors: ['ZoneUnknown', 'ZoneSuspended', 'ZoneWaking', 'NoCapacity', 'ZoneFull', 'IndexUnavailable', 'Busy'],
  } as const
  route(app, 'post', '/v1/zones/:namespace/:name/join', spec, async ({ params, body, caller, signal, log }) => {
    const began = performance.now()
    const done = (result: 'Joined' | ErrorCode): void => meters.ended(result, (performance.now() - began) / 1_000)
    try {
      const zone = zoneId(params.namespace, params.name)
      const { index, clock, joinWaitMs } = deps
      const waiting = { index, clock, waits, crowds, meters, ...(joinWaitMs === undefined ? {} : { waitMs: joinWaitMs }) }
      const place = await joinZone(waiting, { zone, account: caller.account, character: body.character, unreached: body.unreached, signal })
      done('Joined')
      log.info({ layer: place.layer, epoch: place.epoch, account: caller.account, character: body.character }, 'join answered')
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
