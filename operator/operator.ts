import type { Clock } from '../core/clock.ts'
import { describeError, isCode } from '../core/errors.ts'
import { type FleetId, parsePair, type ZoneId } from '../core/ids.ts'
import type { ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { NodeSource } from '../core/ports/node-source-port.ts'
import type { Store } from '../core/ports/store-port.ts'
import type { ContentSource, FleetSource, ServerFate, ZoneSource } from '../core/ports/zone-source-port.ts'
import { CLEAN_EVERY, RESYNC_SETTLED_EVERY, SWEEP_EMPTY_EVERY, SWEEP_EVERY } from '../core/timing.ts'
import { idOfZone } from '../core/zone.ts'
import type { Metrics } from '../platform/metrics/index.ts'
import { Cleaner } from './cleaner.ts'
import { ContentMirror } from './content-mirror.ts'
import { fleetsInUse, namesFleet } from './fleet-use.ts'
import { IndexMirror } from './index-mirror.ts'
import { type Lead, leads } from './lead.ts'
import { createMeters, type OperatorMeters } from './meters.ts'
import { NeighbourGraph } from './neighbours.ts'
import { NodeDrains } from './node-drains.ts'
import { Reconciler } from './reconciler.ts'
import { StatusWriter } from './status-writer.ts'
import { WorkQueue } from './workqueue.ts'

export interface OperatorDeps extends Lead {
  readonly zones: ZoneSource
  readonly fleets: FleetSource
  readonly contents: ContentSource
  /** Absent: hosts of a cordoned node stay until they are evicted. */
  readonly nodes?: NodeSource | undefined
  readonly index: ZoneIndex
  readonly store: Store
  readonly clock: Clock
  /** One that never goes back: what waits goes by it. */
  readonly monotonic: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** The fleet, by name, of zones that name none. */
  readonly defaultFleet: string
  /** Zones of other namespaces are somebody else's. Empty: all are ours. */
  readonly namespaces: readonly string[]
  readonly random?: () => number
}

export interface Operator {
  /** Begins to watch and to act; resolves when everything was seen once. Call it only while leading. */
  start(): Promise<void>
  /** Ends all of it; resolves when nothing is under way any more. */
  stop(): Promise<void>
}

/** Most of the time of a zone is waiting for an API. Not more at once: a first look at 10,000 zones must leave the API server time for others, the renewal of our lease among them. */
const CONCURRENCY = 16
const MAX_KEYS = 200_000
/** A zone that fails for so long is told of in the log, not before: conflicts and short outages settle by themselves. */
const TOLD_AFTER_FAILURES = 3

/** The operator over whatever adapters it is given: a cluster, or the embedded world. */
export function createOperator(deps: OperatorDeps): Operator {
  return new RunningOperator(deps)
}

class RunningOperator implements Operator {
  readonly #deps: OperatorDeps
  readonly #queue: WorkQueue<ZoneId>
  readonly #mirror: IndexMirror
  readonly #writer: StatusWriter
  readonly #contents: ContentMirror
  readonly #neighbours = new NeighbourGraph()
  /** Nothing is decided before: a zone that was not seen yet would be taken for one that does not exist. */
  #allSeen = false
  readonly #nodeDrains: NodeDrains | undefined
  readonly #stop = new AbortController()
  readonly #meters: OperatorMeters
  #timers: NodeJS.Timeout[] = []
  #sweeping: Promise<void> | undefined
  #sweeps = 0
  readonly #cleaner: Cleaner
  #cleaning: Promise<void> | undefined

  constructor(deps: OperatorDeps) {
    this.#deps = deps
    const { zones, index, clock, monotonic, log, random } = deps
    this.#contents = new ContentMirror(deps.contents)
    const enqueue = (zone: ZoneId): void => this.#enqueue(zone)
    const common = random === undefined ? {} : { random }
    this.#mirror = new IndexMirror({
      index,
      clock,
      log,
      ...common,
      onZone: (zone) => this.#owns(zone) && enqueue(zone),
      onRecovered: () => this.#enqueueAll(true),
    })
    this.#writer = new StatusWriter({
      ...{ zones, clock: monotonic, log, ...common, mayAct: () => leads(deps) },
      onRetry: (zone, afterMs) => void (this.#allSeen && this.#queue.addAfter(zone, afterMs)),
      onWrite: (result) => this.#meters.statusWritten(result),
    })
    const reconciler = new Reconciler({ ...deps, contents: this.#contents, mirror: this.#mirror, writer: this.#writer })
    this.#queue = new WorkQueue<ZoneId>({
      clock: monotonic,
      ...common,
      concurrency: CONCURRENCY,
      limit: MAX_KEYS,
      onError: (zone, error, failures) => this.#failed(zone, error, failures),
      work: async (zone) => {
        const begun = performance.now()
        const again = await reconciler.reconcile(zone)
        this.#meters.reconciled((performance.now() - begun) / 1_000)
        return again
      },
    })
    this.#nodeDrains = this.#emptying()
    this.#cleaner = new Cleaner({
      ...{ fleets: deps.fleets, index, clock, log, mayAct: () => leads(deps), followed: () => this.#mirror.followed },
      hostsOf: (fleet) => this.#mirror.hostsOf(fleet),
      onCleaned: (what, reason) => this.#meters.cleaned(what, reason),
    })
    this.#meters = createMeters(deps.metrics, { queue: this.#queue, writer: this.#writer, mirror: this.#mirror, zones, clock })
  }

  #emptying(): NodeDrains | undefined {
    const { nodes, index, clock, log } = this.#deps
    if (nodes === undefined) return undefined
    const mayAct = (): boolean => leads(this.#deps)
    return new NodeDrains({ nodes, index, clock, log, mayAct, hosts: () => this.#mirror.hosts(), onDrained: () => this.#meters.drained() })
  }

  async start(): Promise<void> {
    const { zones, fleets, contents, log } = this.#deps
    const { signal } = this.#stop
    await this.#mirror.start()
    await Promise.all([
      fleets.watchFleets((fleet) => this.#fleetChanged(fleet), signal),
      fleets.watchServers((server) => void this.#serverLeaves(server), signal),
    ])
    this.#deps.nodes?.watchNodes(() => this.#sweep(), signal)
    await contents.watch((configMap) => {
      for (const zone of this.#contents.usersOf(configMap)) this.#enqueue(zone)
    }, signal)
    await zones.watch((zone) => this.#zoneChanged(zone), signal)
    await this.#mirror.follow(this.#fleetsInUse())
    this.#allSeen = true
    this.#enqueueAll(false)
    this.#timers = [
      setInterval(() => this.#sweep(), SWEEP_EVERY),
      setInterval(() => this.#resync(), RESYNC_SETTLED_EVERY),
      setInterval(() => this.#clean(), CLEAN_EVERY),
    ]
    this.#resync()
    log.info({ zones: zones.list().length }, 'operator: everything was seen once')
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the operator stops'))
    for (const timer of this.#timers) clearInterval(timer)
    await this.#queue.stop()
    this.#writer.stop()
    this.#mirror.stop()
    await this.#sweeping
    await this.#cleaning
  }

  #owns(zone: ZoneId): boolean {
    const { namespaces } = this.#deps
    return namespaces.length === 0 || namespaces.includes(parsePair(zone).namespace)
  }

  #enqueueAll(anew: boolean): void {
    if (!this.#allSeen) return
    const ids = new Set<ZoneId>([...this.#deps.zones.list().map(idOfZone), ...this.#mirror.knownZones().filter((zone) => this.#owns(zone))])
    for (const id of ids) anew ? this.#queue.addAnew(id) : this.#queue.add(id)
  }

  #enqueue(zone: ZoneId): void {
    if (this.#allSeen) this.#queue.add(zone)
  }

  #zoneChanged(zone: ZoneId): void {
    this.#contents.zoneChanged(zone, this.#deps.zones.get(zone))
    const concerned = this.#neighbours.changed(zone, this.#deps.zones.get(zone))
    for (const one of [zone, ...concerned]) this.#enqueue(one)
  }

  #fleetChanged(fleet: FleetId): void {
    if (!this.#allSeen) return
    for (const zone of this.#deps.zones.list()) {
      if (namesFleet(zone, fleet, this.#mirror.settingsOf(idOfZone(zone)), this.#deps.defaultFleet)) this.#queue.addAnew(idOfZone(zone))
    }
  }

  /** Only hurries what heartbeats and the host itself would do a little later. */
  async #serverLeaves({ fleet, name, fate }: ServerFate): Promise<void> {
    const { index, log } = this.#deps
    try {
      if (fate === 'unhealthy' && leads(this.#deps)) await index.suspectHost(fleet, name)
      if (!leads(this.#deps)) return
      await (fate === 'gone' ? index.removeHost(fleet, name) : index.drainHost(fleet, name))
    } catch (error) {
      log.debug({ fleet, host: name, fate, error: describeError(error) }, 'index: not told of a game server that leaves')
    }
  }

  #fleetsInUse(): ReadonlySet<FleetId> {
    const { zones, defaultFleet } = this.#deps
    return fleetsInUse(zones.list(), this.#mirror, defaultFleet)
  }

  #resync(): void {
    const { zones } = this.#deps
    this.#mirror.keepOnly(this.#fleetsInUse())
    // Every zone comes back by itself; settings whose Zone is gone would be seen by nobody else.
    for (const id of this.#mirror.knownZones()) if (this.#owns(id) && zones.get(id) === undefined) this.#queue.add(id)
  }

  #clean(): void {
    if (this.#cleaning !== undefined) return
    this.#cleaning = this.#cleaner.look().finally(() => {
      this.#cleaning = undefined
    })
  }

  #sweep(): void {
    if (this.#sweeping !== undefined) return
    this.#sweeping = this.#sweepAll().finally(() => {
      this.#sweeping = undefined
    })
  }

  async #sweepAll(): Promise<void> {
    await this.#nodeDrains?.look()
    this.#sweeps += 1
    const all = this.#sweeps % (SWEEP_EMPTY_EVERY / SWEEP_EVERY) === 0
    for (const fleet of this.#mirror.followed) {
      if (this.#stop.signal.aborted || !leads(this.#deps)) return
      if (!all && this.#mirror.hostsOf(fleet)?.length === 0) continue
      try {
        const placed = await this.#deps.index.sweep(fleet)
        if (placed > 0) this.#meters.placedAgain(placed)
      } catch (error) {
        this.#mirror.failed(error)
        return
      }
    }
  }

  #failed(zone: ZoneId, error: unknown, failures: number): void {
    this.#meters.failed()
    // One signal for all zones.
    if (isCode(error, 'IndexUnavailable')) {
      this.#mirror.failed(error)
      return
    }
    const fields = { zone, failures, error: describeError(error) }
    if (failures < TOLD_AFTER_FAILURES) this.#deps.log.debug(fields, 'zone: tried again')
    else this.#deps.log.warn(fields, 'zone: still fails, tried again')
    if (failures !== TOLD_AFTER_FAILURES || !leads(this.#deps)) return
    const object = this.#deps.zones.get(zone)
    if (object !== undefined)
      this.#deps.zones.event(object, { type: 'Warning', reason: 'StillFails', message: `Tried again, ever more rarely: ${fields.error}` })
  }
}
