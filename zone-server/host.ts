import { AccountBars } from '../core/account-bars.ts'
import type { Timers } from '../core/clock.ts'
import { BailiwickError, describeError } from '../core/errors.ts'
import { type FleetId, fleetId } from '../core/ids.ts'
import type { GameServerPort, GameServerView } from '../core/ports/game-server-port.ts'
import type { FleetChange, ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { Store } from '../core/ports/store-port.ts'
import { ACCOUNT_BARS_READ_EVERY, HEALTH_EVERY, HOST_STEP_EVERY, LAYER_RETRY_MIN } from '../core/timing.ts'
import { Calls } from './calls.ts'
import { decideHost, type HostAction, type HostObserved, type Wish } from './decide-host.ts'
import type { HelloLimits } from './held-hellos.ts'
import { HostLayers, type HostMeters } from './host-layers.ts'
import { LoadMeter, threadMs } from './host-load.ts'
import { Membership } from './membership.ts'
import { retrying } from './retry.ts'

export interface HostDeps {
  readonly index: ZoneIndex
  readonly store: Store
  readonly gameServer: GameServerPort
  readonly log: Log
  readonly clock: Timers
  readonly meters: HostMeters
  /** How many layers it may serve at once. */
  readonly capacity: number
  /** The name of its fleet; undefined: the game server's label says it. */
  readonly fleet: string | undefined
  readonly node: string
  /** What clients are told; undefined: the game server's address and port. */
  readonly advertise: string | undefined
  readonly helloLimits?: HelloLimits | undefined
}

/** Where the game server says which fleet it is of. */
const FLEET_LABEL = 'agones.dev/fleet'

/** What it is, once its game server was seen. */
interface Self {
  readonly layers: HostLayers
  readonly membership: Membership
  readonly bars: AccountBars
  readonly endpoint: () => string
}

const unknown: ReturnType<Membership['observed']> = {
  membership: 'none',
  announced: false,
  announcingSince: undefined,
  leftAt: undefined,
  retired: false,
  drained: 'no',
  heartbeatAt: Number.NEGATIVE_INFINITY,
  heartbeatDue: false,
  answer: undefined,
}

/** A host: looks, decides (decide-host.ts), does, again and again, until it may end. */
export class Host {
  readonly #deps: HostDeps
  readonly #watching = new AbortController()
  readonly #timers: NodeJS.Timeout[]
  /** Settles when it is over: resolved when it ended in order, rejected when it can't be a host. */
  readonly done: Promise<void>
  #finish: () => void = () => undefined
  #reject: (error: unknown) => void = () => undefined
  readonly #calls: Calls<HostAction['do']>
  readonly #load = new LoadMeter()
  #beatAt = performance.now()
  #server: GameServerView | undefined
  #self: Self | undefined
  #stopBy: number | undefined
  #wish: { kind: Wish; at: number } | undefined
  #ended = false
  #looking = false
  #lookAgain = false

  constructor(deps: HostDeps) {
    this.#deps = deps
    this.#calls = new Calls(deps.log, LAYER_RETRY_MIN)
    this.done = new Promise((resolve, reject) => {
      this.#finish = resolve
      this.#reject = reject
    })
    this.#timers = [setInterval(() => this.#beat(), HOST_STEP_EVERY), setInterval(() => deps.gameServer.health(), HEALTH_EVERY)]
    deps.gameServer.watch((server) => this.#seen(server)).catch((error: unknown) => this.#fail(error))
  }

  /** The layers it serves; undefined before it knows its fleet. */
  get layers(): HostLayers | undefined {
    return this.#self?.layers
  }

  /** Asks it to end: its layers are closed in order, at the latest by then (ms of the clock) it is over. `done` says when. */
  stop(by: number): void {
    this.#stopBy ??= by
    this.#step()
  }

  /** Ends at once, without a word to anybody. */
  kill(): void {
    this.#halt('killed')
    this.#finish()
  }

  #seen(server: GameServerView): void {
    const before = this.#server?.state
    this.#server = server
    if (before !== server.state) this.#deps.log.info({ server: server.name, state: server.state }, 'game server')
    try {
      this.#self ??= this.#join(server)
      this.#step()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Now that it knows who it is, it can be a host. Throws ConfigInvalid when it does not know its fleet. */
  #join(server: GameServerView): Self {
    const name = this.#deps.fleet ?? server.labels[FLEET_LABEL]
    if (name === undefined) {
      throw new BailiwickError('ConfigInvalid', { asked: 'the fleet', found: `no label ${FLEET_LABEL}`, todo: 'set FLEET' })
    }
    const { index, store, clock, meters, node, capacity, advertise, helloLimits } = this.#deps
    const fleet = fleetId(server.namespace, name)
    const host = server.name
    const log = this.#deps.log.child({ host })
    const bars = new AccountBars({ index, clock, log, onBarred: (isBarred) => layers.expel(isBarred) })
    const layers = new HostLayers({
      ...{ index, store, timers: clock, meters, fleet, host, log, helloLimits, onChange: () => this.#kick() },
      isBarred: (account) => bars.has(account),
    })
    this.#timers.push(setInterval(() => void bars.look(), ACCOUNT_BARS_READ_EVERY))
    const membership = new Membership({ index, clock, fleet, host, node, capacity, log, layers, load: () => this.#load.read() })
    this.#watch(fleet, host, layers)
    return { layers, membership, bars, endpoint: () => advertise ?? `${this.#server?.address}:${this.#server?.ports[0]?.port}` }
  }

  /** Hears at once of what concerns it; heartbeats would bring it too, later. */
  #watch(fleet: FleetId, name: string, layers: HostLayers): void {
    const { index } = this.#deps
    const { signal } = this.#watching
    const onFleet = (change: FleetChange): void => {
      // It says so itself.
      if (change.kind === 'layer' && change.host === name && change.reported !== undefined) return
      if (change.kind === 'layer' && change.host === name && !layers.has(change.layer)) layers.expect(change.layer)
      const concerns = change.kind === 'gap' || change.host === name || (change.kind === 'layer' && layers.has(change.layer))
      if (concerns) this.#kick()
      // A restart of the index may lie in it, of which a layer with nothing to write would not hear.
      if (change.kind === 'gap') layers.indexForgot()
    }
    const forEver = { log: this.#deps.log, timers: this.#deps.clock, signal }
    const watches = [
      retrying(() => index.watchFleet(fleet, onFleet, signal), { what: 'watch of the fleet', ...forEver }),
      retrying(() => this.#watchZones(layers, signal), { what: 'watch of the zones', ...forEver }),
    ]
    Promise.all(watches).catch((error: unknown) => {
      if (!signal.aborted) this.#fail(error)
    })
  }

  async #watchZones(layers: HostLayers, signal: AbortSignal): Promise<void> {
    await this.#deps.index.watchZones((change) => void layers.refreshZone(change.zone), signal)
    // What changed before it could be watched, of layers that were opened before that.
    void layers.refreshZone(undefined)
  }

  #beat(): void {
    const now = performance.now()
    this.#deps.meters.late(Math.max(0, now - this.#beatAt - HOST_STEP_EVERY) / 1_000)
    this.#load.beat({ now, dueAt: this.#beatAt + HOST_STEP_EVERY, usedMs: threadMs() })
    this.#beatAt = now
    this.#step()
  }

  #kick(): void {
    this.#self?.membership.hurry()
    this.#step()
  }

  /** Looks and does, until a look finds nothing new: what is done may itself ask for another look. */
  #step(): void {
    this.#lookAgain = true
    if (this.#looking) return
    this.#looking = true
    while (this.#lookAgain && !this.#ended) {
      this.#lookAgain = false
      for (const action of decideHost(this.#observe())) this.#do(action)
    }
    this.#looking = false
  }

  #observe(): HostObserved {
    return {
      ...(this.#self?.membership.observed() ?? unknown),
      now: this.#deps.clock.now(),
      server: this.#server,
      stopBy: this.#stopBy,
      wish: this.#wish,
      layers: this.#self?.layers.observed() ?? [],
      ended: this.#self?.layers.ended ?? new Map(),
      busy: this.#calls.busy,
    }
  }

  #do(action: HostAction): void {
    const { gameServer, clock } = this.#deps
    if (action.do === 'end') this.#end(action.reason)
    else if (action.do === 'wish') {
      this.#wish = { kind: action.kind, at: clock.now() }
      this.#call('wish', () => gameServer[action.kind]())
    } else if (this.#self !== undefined) this.#doAsHost(action, this.#self)
  }

  #doAsHost(action: Exclude<HostAction, { readonly do: 'end' | 'wish' }>, { membership, layers, endpoint }: Self): void {
    switch (action.do) {
      case 'announce':
        this.#call('announce', () => membership.announce())
        break
      case 'register':
        this.#call('register', () => membership.register(endpoint()))
        break
      case 'heartbeat':
        this.#call('heartbeat', () => membership.heartbeat(action.outdated))
        break
      case 'drain':
        this.#call('drain', () => membership.drain(action.withinMs))
        break
      case 'leave':
        this.#call('leave', () => membership.leave(action.retired))
        break
      case 'return':
        membership.comeBack()
        break
      case 'claim':
        layers.claim(action.layer, action.generation)
        break
      case 'drop':
        layers.drop(action.layer, action.reason)
        break
      case 'close':
        layers.close(action.layer, action.reason)
        break
    }
  }

  /** Makes a call, one of its kind at a time. What fails is decided anew with a later look. */
  #call(kind: HostAction['do'], work: () => Promise<void>): void {
    this.#calls.start(kind, work, () => this.#step())
  }

  #end(reason: string): void {
    this.#deps.log.info({ reason }, 'host ends')
    this.#halt(reason)
    this.#finish()
  }

  /** It can't be a host: `done` says why. */
  #fail(error: unknown): void {
    this.#halt(describeError(error))
    this.#reject(error)
  }

  #halt(reason: string): void {
    this.#ended = true
    for (const timer of this.#timers) clearInterval(timer)
    this.#watching.abort()
    this.#calls.end()
    this.#self?.bars.end()
    this.#self?.layers.dropAll(reason)
  }
}
