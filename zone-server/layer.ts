import { performance } from 'node:perf_hooks'
import type { Timers } from '../core/clock.ts'
import type { ZoneContent } from '../core/content.ts'
import { BailiwickError, describeError, isCode } from '../core/errors.ts'
import type { FleetId, LayerId } from '../core/ids.ts'
import type { CloseReason, LayerReport, ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { Store } from '../core/ports/store-port.ts'
import type { ZoneSettings } from '../core/settings.ts'
import { Audience, type Spectator } from './audience.ts'
import type { Claimed } from './claim.ts'
import { Closing } from './closing.ts'
import { Commit } from './commit/commit.ts'
import { isHeld } from './commit/held.ts'
import type { JournalWriter } from './commit/journal-writer.ts'
import { LayerCrashed } from './crash.ts'
import { Departures } from './departures.ts'
import { Doorway } from './doorway.ts'
import { Holding } from './holding.ts'
import type { HostedZone } from './hosted-zone.ts'
import { Idleness } from './idleness.ts'
import { InputQueue } from './input-queue.ts'
import type { Lease } from './lease.ts'
import { heldFrame } from './outgoing.ts'
import type { Packing } from './packing.ts'
import type { TicketHolder } from './redeem.ts'
import { Releases } from './releases.ts'
import { contentHash, simulationSettings } from './restore.ts'
import type { Seating } from './session.ts'
import { encodeBatch } from './simulation/batch.ts'
import { canonical } from './simulation/canonical.ts'
import type { Input, LayerBody } from './simulation/input.ts'
import type { TickOutput } from './simulation/output.ts'
import { sameSettings } from './simulation/settings.ts'
import type { LayerState, Release } from './simulation/state.ts'
import { stateHash } from './simulation/state-hash.ts'
import { step } from './simulation/step.ts'
import { Ticker } from './ticker.ts'
import { steps } from './watchdog/step-mark.ts'

export interface LayerDeps {
  readonly store: Store
  readonly index: ZoneIndex
  readonly fleet: FleetId
  readonly host: string
  readonly log: Log
  readonly timers: Timers
  readonly packing: Packing
  /** Who is kept out; default: nobody. */
  readonly isBarred?: (account: string) => boolean
  /** The host's one writer of the journal. */
  readonly writer: JournalWriter
  /** Told how long each tick took, in seconds. */
  readonly onTick: (seconds: number) => void
  /** Told of each tick that waits because what is played can't be made safe. */
  readonly onHeld?: () => void
  /** Told how long a snapshot took to be packed and stored, in seconds, and its bytes. */
  readonly onSnapshot?: (seconds: number, bytes: number) => void
  /** The report has news. */
  readonly onChange: () => void
  /** It is over; called once, last. `failure`: why this host could not go on with it. */
  readonly onEnd: (how: LayerEnd, failure?: unknown) => void
}

/** `closed`: in order, the slot is free. `lost`: it is another's, or about to be. */
export type LayerEnd = 'closed' | 'lost'

export interface LayerStart {
  readonly generation: number
  readonly zone: HostedZone
  readonly claimed: Claimed
  readonly firstInputs: readonly LayerBody[]
}

/** A layer that this host serves: gathers inputs, steps, commits, lets out what is confirmed, keeps the store up to date, and ends in order. */
export class Layer {
  readonly id: LayerId
  readonly generation: number
  readonly #deps: LayerDeps
  readonly #lease: Lease
  readonly #state: LayerState
  readonly #inputs = new InputQueue()
  /** Characters that were sent away and have not left yet, with the record of their stay. */
  readonly #expelled = new Map<string, number>()
  readonly #audience: Audience
  readonly #departures = new Departures()
  readonly #commit: Commit
  readonly #releases: Releases
  readonly #doorway: Doorway
  readonly #closing: Closing
  readonly #ticker: Ticker
  readonly #holding: Holding
  readonly #idleness: Idleness
  readonly #over = new AbortController()
  /** The tick that is being stepped. */
  #stepping: { readonly tick: number; readonly batch: readonly Input[] } | undefined
  #zone: ZoneSettings
  #content: ZoneContent | undefined

  constructor({ generation, zone, claimed, firstInputs }: LayerStart, deps: LayerDeps) {
    const { lease, state } = claimed
    const { timers, log, store, index, fleet, host, packing, writer } = deps
    const { signal } = this.#over
    const inputs = this.#inputs
    const audience = new Audience(timers, (error) => this.#stopped(error))
    this.#audience = audience
    this.id = state.layer
    this.generation = generation
    this.#deps = deps
    this.#zone = zone.settings
    this.#content = zone.content
    this.#lease = lease
    this.#state = state
    this.#idleness = new Idleness(timers)
    const common = { lease, state, log, timers, signal, index, store, fleet }
    this.#holding = new Holding({
      ...common,
      onChange: (held) => {
        for (const spectator of audience.spectators()) spectator.send([heldFrame(held)])
        deps.onChange()
      },
      onLost: (error) => this.#stopped(error),
    })
    const commit = new Commit(claimed, zone.settings.snapshotEveryMs, {
      ...{ ...common, packing, writer },
      onStored: (tick) => this.#releases.send(tick),
      onSnapshot: (seconds, bytes) => deps.onSnapshot?.(seconds, bytes),
      onReclaimed: () => deps.onChange(),
      onFailed: (error) => log.error({ layer: this.id, detail: describeError(error) }, 'what is played could not be stored'),
      onStop: (error) => this.#stopped(error),
    })
    this.#commit = commit
    const { chain, trimming } = commit
    const releases = new Releases({
      ...common,
      durable: () => chain.durable,
      onDone: (release) => this.#released(release),
      onDelayed: (release) => this.#departures.delayed(release),
    })
    this.#releases = releases
    this.#doorway = new Doorway({
      ...{ ...common, inputs, audience, releases, epoch: () => lease.epoch, isBarred: deps.isBarred ?? (() => false) },
      maxPlayers: () => this.#zone.layers.maxPlayers,
      isOpen: () => !signal.aborted && !this.#closing.begun,
    })
    this.#closing = new Closing({
      ...{ ...common, host, generation, chain, trimming },
      isBusy: () => this.#doorway.busy,
      onBegun: (reason) => this.#beginClosing(reason),
      onEmpty: () => this.#ticker.stop(),
      onEnd: (how) => this.#end(how),
    })
    for (const body of firstInputs) inputs.layer(body)
    this.#ticker = new Ticker(timers, zone.settings.tickRateHz, () => this.#wake())
    // What a former owner had durable in its outbox may not have been sent.
    releases.send(chain.durable)
  }

  /** Of the settings that it was given last. */
  get content(): ZoneContent | undefined {
    return this.#content
  }

  /** Ticks that wait for their confirmation. */
  get ahead(): number {
    return this.#commit.pipeline.ahead
  }

  get isClosing(): boolean {
    return this.#closing.begun
  }

  get report(): LayerReport {
    const state = this.#closing.begun ? 'Closing' : 'Serving'
    const { id: layer, generation } = this
    return { layer, generation, epoch: this.#lease.epoch, state, players: this.#state.players.size, dataSafe: !this.#holding.held }
  }

  /** Lets a client in whose ticket is used up by `redeem`; its welcome comes with the tick that confirms it. Throws the refusal. */
  async admit(redeem: () => Promise<TicketHolder>, spectator: Spectator): Promise<Seating> {
    const seating = await this.#doorway.admit(redeem, spectator)
    // The first one in waits for no beat, which nobody else has felt.
    if (this.#state.players.size === 0 && !this.#over.signal.aborted) this.#ticker.hurry()
    return seating
  }

  /** Takes new settings of its zone over: into the state by an input, and, when they are other content, into a new epoch behind a snapshot that holds them. */
  configure({ settings: zone, content }: HostedZone): void {
    this.#zone = zone
    this.#content = content
    this.#commit.chain.setInterval(zone.snapshotEveryMs)
    this.#ticker.setRate(zone.tickRateHz)
    const settings = simulationSettings(zone, content)
    if (!sameSettings(settings, this.#state.settings)) this.#inputs.layer({ kind: 'configure', settings })
    this.#commit.takeover.wanted(contentHash(settings))
  }

  /** The index forgot this host, and may have forgotten the layer's fence. */
  indexForgot(): void {
    if (!this.#over.signal.aborted) void this.#commit.lookAtFence()
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

  /** Players of these accounts are cut off at once, and leave. */
  expel(isBarred: (account: string) => boolean): void {
    // A layer that holds takes no inputs: who was sent away once is gone when it goes on.
    for (const character of this.#expelled.keys()) if (!this.#state.players.has(character)) this.#expelled.delete(character)
    for (const { character, account, version } of this.#state.players.values()) {
      if (!isBarred(account) || this.#expelled.get(character) === version) continue
      this.#expelled.set(character, version)
      this.#deps.log.info({ layer: this.id, account, character }, 'a barred account is sent away')
      this.#audience.take(character)?.goodbye('Banned')
      // Of the connection nothing is left, so it leaves as one whose connection was lost for too long.
      this.#inputs.layer({ kind: 'expel', character, reason: 'LinkDead' })
    }
  }

  #wake(): void {
    if (this.#over.signal.aborted) return
    try {
      const seen = { tick: this.#state.tick, ahead: this.#commit.pipeline.ahead, keptBytes: this.#commit.kept.bytes }
      if (!this.#holding.update(isHeld(seen.ahead, seen.keptBytes, this.#zone.tickRateHz), () => seen))
        steps.during(this.id, this.#state.tick + 1, false, () => this.#tick())
      else this.#deps.onHeld?.()
    } catch (error) {
      this.#stopped(error)
    }
  }

  #tick(): void {
    const { timers, onTick, onChange } = this.#deps
    const began = performance.now()
    const beganAt = timers.now()
    if (this.#closing.begun)
      for (const character of this.#state.players.keys()) this.#inputs.layer({ kind: 'expel', character, reason: 'Closing' })
    const players = this.#state.players.size
    // In order once, for the step and for the entry.
    const batch = canonical(this.#inputs.take())
    this.#stepping = { tick: this.#state.tick + 1, batch }
    const output = step(this.#state, batch)
    this.#stage(batch, output)
    this.#stepping = undefined
    this.#doorway.afterTick()
    this.#releases.afterTick()
    this.#commit.chain.afterTick(timers.now() - beganAt)
    this.#sleepIfIdle()
    this.#closing.afterTick()
    if ((players === 0) !== (this.#state.players.size === 0)) onChange()
    onTick((performance.now() - began) / 1_000)
  }

  /** Captures what the tick says, to leave when it is confirmed. One without input, output and witness has nothing to confirm. */
  #stage(batch: readonly Input[], output: TickOutput): void {
    const { tick, messages, departures } = output
    const watched = this.#audience.size > 0
    const frames = this.#audience.encode(this.#state, output)
    const goodbyes = departures.map((departure) => {
      this.#doorway.departed()
      if (departure.release !== undefined) this.#commit.chain.want(tick)
      return this.#departures.left(departure, this.#audience.take(departure.character))
    })
    this.#commit.stepped(tick, contentHash(this.#state.settings))
    if (batch.length === 0 && !watched && messages.length === 0 && departures.length === 0) return
    this.#commit.pipeline.stage({
      tick,
      batch: encodeBatch(batch),
      digest: stateHash(this.#state),
      leave: (epoch) => {
        this.#audience.release(frames, epoch)
        for (const goodbye of goodbyes) goodbye()
      },
    })
  }

  #released(release: Release): void {
    this.#inputs.layer({ kind: 'released', id: release.id })
    this.#departures.released(release)
    // Somebody waits for the layer to be closed.
    if (this.#closing.begun) this.#ticker.hurry()
  }

  #sleepIfIdle(): void {
    const { players, outbox } = this.#state
    const isBusy = players.size > 0 || outbox.size > 0 || this.#doorway.busy
    if (this.#idleness.isOver(this.#zone, isBusy) && !this.#closing.begun) this.#closing.request('Idle')
  }

  #beginClosing(reason: string): void {
    for (const spectator of this.#audience.spectators()) spectator.redirect(reason)
    this.#ticker.hurry()
    this.#deps.onChange()
  }

  #stopped(error: unknown): void {
    if (this.#over.signal.aborted) return
    const detail = describeError(error)
    const failure = this.#failureOf(error)
    if (failure !== undefined) this.#deps.log.error({ layer: this.id, tick: this.#state.tick, error, detail }, 'a layer can not go on')
    this.#deps.log.warn({ layer: this.id, epoch: this.#lease.epoch, reason: detail }, 'layer dropped')
    this.#end('lost', failure)
  }

  /** What the index is to be told; undefined: the layer is another's, and nothing of it is this host's to tell. What a tick throws, and a broken promise, would come again. */
  #failureOf(error: unknown): unknown {
    if (isCode(error, 'LayerLost')) return undefined
    if (this.#stepping === undefined && !isCode(error, 'InvariantBroken')) return error
    const { tick, batch } = this.#stepping ?? { tick: this.#state.tick, batch: undefined }
    return new LayerCrashed({ layer: this.id, tick, replayed: false, batch: batch && evidenceOf(batch) }, error)
  }

  #end(how: LayerEnd, failure?: unknown): void {
    if (this.#over.signal.aborted) return
    this.#over.abort(new BailiwickError('LayerLost', { asked: this.id, found: how }))
    this.#ticker.stop()
    for (const spectator of [...this.#audience.spectators(), ...this.#departures.clear()]) {
      spectator.redirect('LayerLost')
      spectator.goodbye('LayerLost')
    }
    this.#deps.onEnd(how, failure)
  }
}

/** The inputs as they are kept beside the chain; undefined when they are what can't be encoded: the layer ends, and not its host. */
function evidenceOf(batch: readonly Input[]): Uint8Array | undefined {
  try {
    return encodeBatch(batch)
  } catch {
    return undefined
  }
}
