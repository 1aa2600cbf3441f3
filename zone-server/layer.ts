import { performance } from 'node:perf_hooks'
import type { Timers } from '../core/clock.ts'
import { BailiwickError, describeError, isCode } from '../core/errors.ts'
import type { FleetId, LayerId } from '../core/ids.ts'
import type { CloseReason, LayerReport, ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { Store } from '../core/ports/store-port.ts'
import type { ZoneSettings } from '../core/settings.ts'
import { CLOSE_RETRY_EVERY } from '../core/timing.ts'
import { Audience, type Spectator } from './audience.ts'
import { Closing } from './closing.ts'
import { Doorway } from './doorway.ts'
import { InputQueue } from './input-queue.ts'
import type { Lease } from './lease.ts'
import { refusedFrame } from './outgoing.ts'
import { Releases } from './releases.ts'
import { simulationSettings } from './restore.ts'
import type { Seating } from './session.ts'
import type { LayerBody } from './simulation/input.ts'
import type { Departure } from './simulation/output.ts'
import { sameSettings } from './simulation/settings.ts'
import type { LayerState, Release } from './simulation/state.ts'
import { step } from './simulation/step.ts'
import { Snapshots } from './snapshots.ts'
import { Ticker } from './ticker.ts'

export interface LayerDeps {
  readonly store: Store
  readonly index: ZoneIndex
  readonly fleet: FleetId
  readonly host: string
  readonly log: Log
  readonly timers: Timers
  /** Told how long each tick took, in seconds. */
  readonly onTick: (seconds: number) => void
  /** The report has news. */
  readonly onChange: () => void
  /** It is over; called once, last. */
  readonly onEnd: (how: LayerEnd) => void
}

/** `closed`: in order, the slot is free. `lost`: it is another's, or about to be. */
export type LayerEnd = 'closed' | 'lost'

export interface LayerStart {
  readonly generation: number
  readonly zone: ZoneSettings
  readonly lease: Lease
  readonly state: LayerState
  readonly firstInputs: readonly LayerBody[]
}

/** A layer that this host serves: gathers inputs, steps, tells clients, keeps the store up to date, and ends in order. */
export class Layer {
  readonly id: LayerId
  readonly generation: number
  readonly #deps: LayerDeps
  readonly #lease: Lease
  readonly #state: LayerState
  readonly #inputs = new InputQueue()
  readonly #audience: Audience
  readonly #snapshots: Snapshots
  readonly #releases: Releases
  readonly #doorway: Doorway
  readonly #closing: Closing
  readonly #ticker: Ticker
  readonly #over = new AbortController()
  /** Clients whose character has left the simulation and waits for its release, by the release's id. */
  readonly #departing = new Map<string, { readonly spectator: Spectator; readonly reason: string }>()
  #zone: ZoneSettings
  #idleSince: number

  constructor(start: LayerStart, deps: LayerDeps) {
    const { generation, zone, lease, state } = start
    const { timers, log, store, index, fleet, host } = deps
    const { signal } = this.#over
    const inputs = this.#inputs
    this.id = state.layer
    this.generation = generation
    this.#deps = deps
    this.#zone = zone
    this.#lease = lease
    this.#state = state
    this.#idleSince = timers.now()
    this.#audience = new Audience()
    const audience = this.#audience
    const releases = new Releases({
      ...{ store, index, state, log, timers, signal },
      onDone: (release) => this.#released(release),
      onDelayed: (release) => this.#delayed(release),
    })
    this.#releases = releases
    const snapshots = new Snapshots(zone.snapshotEveryMs, state.tick, {
      ...{ lease, state, clock: timers, log, signal },
      onStored: (tick) => releases.send(tick),
      onFailed: (error) => this.#snapshotFailed(error),
    })
    this.#snapshots = snapshots
    this.#doorway = new Doorway({
      ...{ store, index, fleet, log, timers, state, inputs, audience, releases, signal, epoch: lease.epoch },
      maxPlayers: () => this.#zone.layers.maxPlayers,
      isOpen: () => !signal.aborted && !this.#closing.begun,
    })
    this.#closing = new Closing({
      ...{ index, fleet, host, generation, lease, state, snapshots, log, timers, signal },
      isBusy: () => this.#doorway.busy,
      onBegun: (reason) => this.#beginClosing(reason),
      onEmpty: () => this.#ticker.stop(),
      onEnd: (how) => this.#end(how),
    })
    for (const body of start.firstInputs) inputs.layer(body)
    this.#ticker = new Ticker(timers, zone.tickRateHz, () => this.#tick())
    // What a former owner had durable in its outbox may not have been sent.
    releases.send(state.tick)
  }

  get isClosing(): boolean {
    return this.#closing.begun
  }

  get report(): LayerReport {
    const state = this.#closing.begun ? 'Closing' : 'Serving'
    return {
      layer: this.id,
      generation: this.generation,
      epoch: this.#lease.epoch,
      state,
      players: this.#state.players.size,
      dataSafe: true,
    }
  }

  /** Lets a client in by its ticket; its welcome comes with the next tick. Throws the refusal. */
  admit(ticket: string, spectator: Spectator): Promise<Seating> {
    return this.#doorway.admit(ticket, spectator)
  }

  /** Takes new settings of its zone over. */
  configure(zone: ZoneSettings): void {
    this.#zone = zone
    this.#snapshots.setInterval(zone.snapshotEveryMs)
    this.#ticker.setRate(zone.tickRateHz)
    const settings = simulationSettings(zone)
    if (!sameSettings(settings, this.#state.settings)) this.#inputs.layer({ kind: 'configure', settings })
  }

  /** Closes it in order, whoever is in; a second call changes nothing. */
  close(reason: CloseReason): void {
    if (!this.#over.signal.aborted && !this.#closing.begun) this.#closing.request(reason)
  }

  /** It is another's, or the host ends: stops at once, without another word to store or index. */
  drop(reason: string): void {
    if (this.#over.signal.aborted) return
    this.#deps.log.warn({ layer: this.id, epoch: this.#lease.epoch, reason }, 'layer dropped')
    this.#end('lost')
  }

  #tick(): void {
    const began = performance.now()
    if (this.#closing.begun)
      for (const character of this.#state.players.keys()) this.#inputs.layer({ kind: 'expel', character, reason: 'Closing' })
    const players = this.#state.players.size
    const output = step(this.#state, this.#inputs.take())
    this.#audience.release(this.#audience.encode(this.#state, output), this.#lease.epoch)
    for (const departure of output.departures) this.#departed(departure)
    this.#doorway.afterTick()
    this.#releases.afterTick()
    this.#snapshots.afterTick()
    this.#closeIfIdle()
    this.#closing.afterTick()
    if ((players === 0) !== (this.#state.players.size === 0)) this.#deps.onChange()
    this.#deps.onTick((performance.now() - began) / 1_000)
  }

  #departed({ character, reason, release }: Departure): void {
    this.#doorway.departed()
    if (release !== undefined) this.#snapshots.want()
    const spectator = this.#audience.take(character)
    if (spectator === undefined) return
    if (release === undefined) spectator.goodbye(reason)
    else this.#departing.set(release, { spectator, reason })
  }

  #released(release: Release): void {
    this.#inputs.layer({ kind: 'released', id: release.id })
    const client = this.#departing.get(release.id)
    this.#departing.delete(release.id)
    client?.spectator.goodbye(client.reason)
  }

  #delayed(release: Release): void {
    const error = new BailiwickError('StoreUnavailable', {
      asked: `the release of ${release.name}`,
      todo: 'it is stored as soon as the store answers',
    })
    this.#departing.get(release.id)?.spectator.send([refusedFrame(error)])
  }

  #closeIfIdle(): void {
    const { timers } = this.#deps
    const { activation, idleAfterMs } = this.#zone
    const now = timers.now()
    if (activation !== 'OnDemand' || this.#state.players.size > 0 || this.#state.outbox.size > 0 || this.#doorway.busy)
      this.#idleSince = now
    if (this.#closing.begun || now - this.#idleSince < idleAfterMs) return
    // If it is refused, it is asked again a little later.
    this.#idleSince = now - idleAfterMs + CLOSE_RETRY_EVERY
    this.#closing.request('Idle')
  }

  #beginClosing(reason: string): void {
    for (const spectator of this.#audience.spectators()) spectator.redirect(reason)
    this.#deps.onChange()
  }

  #snapshotFailed(error: unknown): void {
    if (isCode(error, 'LayerLost')) this.drop(describeError(error))
    else this.#deps.log.error({ layer: this.id, detail: describeError(error) }, 'a snapshot could not be stored')
  }

  #end(how: LayerEnd): void {
    if (this.#over.signal.aborted) return
    this.#over.abort(new BailiwickError('LayerLost', { asked: this.id, found: how }))
    this.#ticker.stop()
    const clients = [...this.#audience.spectators(), ...[...this.#departing.values()].map(({ spectator }) => spectator)]
    for (const spectator of clients) {
      spectator.redirect('LayerLost')
      spectator.goodbye('LayerLost')
    }
    this.#departing.clear()
    this.#deps.onEnd(how)
  }
}
