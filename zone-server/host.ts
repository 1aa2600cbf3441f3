import { randomUUID } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { BailiwickError, describeError } from '../core/errors.ts'
import { type FleetId, fleetId } from '../core/ids.ts'
import type { GameServerPort, GameServerView } from '../core/ports/game-server-port.ts'
import type { FleetChange, HeartbeatAnswer, LayerReport, ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { Store } from '../core/ports/store-port.ts'
import { HEALTH_EVERY, HOST_STEP_EVERY } from '../core/timing.ts'
import { decideHost, type HostAction, type HostObserved, type Wish } from './decide-host.ts'
import { HostLayers, type HostMeters } from './host-layers.ts'
import { retrying } from './retry.ts'

export interface HostDeps {
  readonly index: ZoneIndex
  readonly store: Store
  readonly gameServer: GameServerPort
  readonly log: Log
  readonly clock: Clock
  readonly meters: HostMeters
  /** How many layers it may serve at once. */
  readonly capacity: number
  /** The name of its fleet; undefined: the game server's label says it. */
  readonly fleet: string | undefined
  readonly node: string
  /** What clients are told; undefined: the game server's address and port. */
  readonly advertise: string | undefined
}

/** Where the game server says which fleet it is of. */
const FLEET_LABEL = 'agones.dev/fleet'

/** A host: looks, decides (decide-host.ts), does, again and again, until it may end. */
export class Host {
  readonly #deps: HostDeps
  readonly #incarnation = randomUUID()
  readonly #busy = new Set<HostAction['do']>()
  readonly #watching = new AbortController()
  readonly #timers: NodeJS.Timeout[]
  /** Settles when it is over: resolved when it ended in order, rejected when it can't be a host. */
  readonly done: Promise<void>
  #finish: () => void = () => undefined
  #reject: (error: unknown) => void = () => undefined
  #server: GameServerView | undefined
  #fleet: FleetId | undefined
  #layers: HostLayers | undefined
  #stopBy: number | undefined
  #membership: HostObserved['membership'] = 'none'
  #leftAt: number | undefined
  #drained = false
  #wish: { kind: Wish; at: number } | undefined
  #heartbeatAt = Number.NEGATIVE_INFINITY
  #heartbeatDue = false
  #answer: HeartbeatAnswer | undefined
  #ended = false
  #looking = false
  #lookAgain = false

  constructor(deps: HostDeps) {
    this.#deps = deps
    this.done = new Promise((resolve, reject) => {
      this.#finish = resolve
      this.#reject = reject
    })
    this.#timers = [setInterval(() => this.#step(), HOST_STEP_EVERY), setInterval(() => deps.gameServer.health(), HEALTH_EVERY)]
    deps.gameServer.watch((server) => this.#seen(server)).catch((error: unknown) => this.#fail(error))
  }

  /** The layers it serves; undefined before it knows its fleet. */
  get layers(): HostLayers | undefined {
    return this.#layers
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
      if (this.#layers === undefined) this.#join(server)
      this.#step()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Now that it knows who it is, it can look after layers. */
  #join(server: GameServerView): void {
    const name = this.#deps.fleet ?? server.labels[FLEET_LABEL]
    if (name === undefined)
      throw new BailiwickError('ConfigInvalid', { asked: 'the fleet', found: `no label ${FLEET_LABEL}`, todo: 'set FLEET' })
    const fleet = fleetId(server.namespace, name)
    this.#fleet = fleet
    const { index, store, log, clock, meters } = this.#deps
    const onChange = (): void => this.#kick()
    this.#layers = new HostLayers({
      index,
      store,
      clock,
      meters,
      fleet,
      onChange,
      host: server.name,
      log: log.child({ host: server.name }),
    })
    this.#watch(fleet, server.name)
  }

  /** Hears at once of what concerns it; heartbeats would bring it too, later. */
  #watch(fleet: FleetId, name: string): void {
    const { index } = this.#deps
    const { signal } = this.#watching
    const onFleet = (change: FleetChange): void => {
      const concerns =
        change.kind === 'gap' || change.host === name || (change.kind === 'layer' && this.#layers?.has(change.layer) === true)
      if (concerns) this.#kick()
    }
    const forEver = { log: this.#deps.log, signal }
    const watches = [
      retrying(() => index.watchFleet(fleet, onFleet, signal), { what: 'watch of the fleet', ...forEver }),
      retrying(() => index.watchZones((change) => void this.#layers?.refreshZone(change.zone), signal), {
        what: 'watch of the zones',
        ...forEver,
      }),
    ]
    Promise.all(watches).catch((error: unknown) => {
      if (!signal.aborted) this.#fail(error)
    })
  }

  #kick(): void {
    this.#heartbeatDue = true
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
      now: this.#deps.clock.now(),
      server: this.#server,
      stopBy: this.#stopBy,
      membership: this.#membership,
      leftAt: this.#leftAt,
      drained: this.#drained,
      wish: this.#wish,
      heartbeatAt: this.#heartbeatAt,
      heartbeatDue: this.#heartbeatDue,
      answer: this.#answer,
      layers: this.#layers?.observed() ?? [],
      ended: this.#layers?.ended ?? new Map(),
      busy: this.#busy,
    }
  }

  #do(action: HostAction): void {
    const layers = this.#layers
    switch (action.do) {
      case 'wish':
        this.#wish = { kind: action.kind, at: this.#deps.clock.now() }
        this.#call('wish', () => this.#deps.gameServer[action.kind]())
        break
      case 'register':
        this.#call('register', () => this.#register())
        break
      case 'heartbeat':
        this.#call('heartbeat', () => this.#heartbeat(action.outdated))
        break
      case 'drain':
        this.#call('drain', () => this.#drain())
        break
      case 'leave':
        this.#call('leave', () => this.#leave())
        break
      case 'claim':
        layers?.claim(action.layer, action.generation)
        break
      case 'drop':
        layers?.drop(action.layer, action.reason)
        break
      case 'close':
        layers?.close(action.layer, action.reason)
        break
      case 'end':
        this.#end(action.reason)
        break
    }
  }

  /** Makes a call, one of its kind at a time. What fails is decided anew with the next look. */
  #call(kind: HostAction['do'], work: () => Promise<void>): void {
    this.#busy.add(kind)
    Promise.resolve()
      .then(work)
      .catch((error: unknown) => {
        if (!this.#ended) this.#deps.log.warn({ call: kind, detail: describeError(error) }, 'a call of the host failed')
      })
      .finally(() => {
        this.#busy.delete(kind)
        if (this.#heartbeatDue) this.#step()
      })
  }

  async #register(): Promise<void> {
    const { server, fleet } = this.#identity()
    const { index, capacity, node, advertise, log } = this.#deps
    const endpoint = advertise ?? `${server.address}:${server.ports[0]?.port}`
    const registration = { name: server.name, incarnation: this.#incarnation, node, endpoints: [endpoint], capacity }
    await index.registerHost(fleet, registration, this.#reports())
    log.info({ host: server.name, fleet, endpoint, capacity }, 'registered')
    this.#membership = 'registered'
    this.#drained = false
    this.#answer = undefined
    this.#heartbeatDue = true
  }

  async #heartbeat(outdated: boolean): Promise<void> {
    const { server, fleet } = this.#identity()
    this.#heartbeatAt = this.#deps.clock.now()
    this.#heartbeatDue = false
    const beat = { host: server.name, incarnation: this.#incarnation, outdated, layers: this.#reports() }
    const answer = await this.#deps.index.heartbeat(fleet, beat)
    this.#layers?.forgetEnded(answer, beat.layers)
    if (answer.known) this.#answer = answer
    else {
      this.#deps.log.warn({ host: server.name }, 'the index does not know this host')
      this.#answer = undefined
      this.#membership = 'none'
    }
    this.#step()
  }

  async #drain(): Promise<void> {
    const { server, fleet } = this.#identity()
    await this.#deps.index.drainHost(fleet, server.name)
    this.#deps.log.info({ host: server.name }, 'draining')
    this.#drained = true
    this.#heartbeatDue = true
  }

  async #leave(): Promise<void> {
    const { server, fleet } = this.#identity()
    const left = await this.#deps.index.leaveHost(fleet, server.name, this.#incarnation)
    // Refused: it was needed again meanwhile. The answer that allowed it is out of date.
    this.#answer = undefined
    this.#heartbeatDue = true
    if (!left) return
    this.#deps.log.info({ host: server.name }, 'left')
    this.#membership = 'left'
    this.#leftAt = this.#deps.clock.now()
  }

  #identity(): { server: GameServerView; fleet: FleetId } {
    if (this.#server === undefined || this.#fleet === undefined)
      throw new BailiwickError('Internal', { found: 'a host that does not know itself' })
    return { server: this.#server, fleet: this.#fleet }
  }

  #reports(): readonly LayerReport[] {
    return this.#layers?.reports() ?? []
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
    this.#layers?.dropAll(reason)
  }
}
