import type { Timers } from '../core/clock.ts'
import { BailiwickError, describeError, isCode } from '../core/errors.ts'
import { type FleetId, type LayerId, parseLayerId, type ZoneId } from '../core/ids.ts'
import type { CloseReason, HeartbeatAnswer, LayerReport, ZoneIndex } from '../core/ports/index-port.ts'
import type { AppendAnswer } from '../core/ports/journal-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import type { Store } from '../core/ports/store-port.ts'
import { JournalWriter } from './commit/journal-writer.ts'
import { LayerCrashed } from './crash.ts'
import type { ObservedLayer } from './decide-host.ts'
import { keepEvidence } from './evidence.ts'
import type { HelloLimits } from './held-hellos.ts'
import { HostDoor } from './host-door.ts'
import { readHostedZone } from './hosted-zone.ts'
import { invariant } from './invariant.ts'
import type { Layer } from './layer.ts'
import { openLayer } from './open-layer.ts'
import { type Packing, packingOffThread } from './packing.ts'
import { ReadAhead } from './read-ahead.ts'
import { retrying } from './retry.ts'
import { steps } from './watchdog/step-mark.ts'

/** What a host counts. */
export interface HostMeters {
  tick(seconds: number): void
  claim(outcome: 'served' | 'failed' | 'lost', seconds: number): void
  /** One call to the journal, with what all layers had to append; `answered`: the index answered. */
  commit(seconds: number, answered: boolean): void
  /** The journal refused an entry. */
  journalRefused(answer: Exclude<AppendAnswer, 'Done'>): void
  /** A layer ended by what happens in it; `replayed`: on a tick that was confirmed. */
  crashed(replayed: boolean): void
  /** How late the host's beat came, in seconds: its ticks come as late. */
  late(seconds: number): void
  /** A tick was not stepped, because what is played can't be made safe. */
  held(): void
  /** A snapshot is in the store. */
  snapshot(seconds: number, bytes: number): void
}

export interface HostLayersDeps {
  readonly index: ZoneIndex
  readonly store: Store
  readonly log: Log
  readonly timers: Timers
  readonly meters: HostMeters
  readonly fleet: FleetId
  readonly host: string
  /** Who is kept out; default: nobody. */
  readonly isBarred?: (account: string) => boolean
  readonly helloLimits?: HelloLimits | undefined
  /** Default: on other threads. */
  readonly packing?: Packing
  /** The index should hear of a change. */
  readonly onChange: () => void
}

interface Claiming {
  readonly generation: number
  readonly abort: AbortController
  /** Asked to close before it was even served. */
  closeRequested: CloseReason | undefined
}

/** Characters of the reason that the index is told. */
const REASON_LENGTH = 500
/** A failure is told to the index so often; past that the index sees the claim's deadline go by. */
const FAIL_ATTEMPTS = 4
/** Changed settings are read so often; past that it is a longer outage, at the end of which the watch of the zones tells of a gap. */
const SETTINGS_ATTEMPTS = 10

/** The layers of a host: those that it claims and those that it serves. */
export class HostLayers {
  readonly #deps: HostLayersDeps
  readonly #claiming = new Map<LayerId, Claiming>()
  readonly #serving = new Map<LayerId, Layer>()
  readonly #writer: JournalWriter
  readonly #zones: ReadAhead
  /** The way in for clients. */
  readonly door: HostDoor
  readonly #over = new AbortController()
  /** Why they could not go on here, of those that ended. */
  readonly #failures = new Map<LayerId, unknown>()
  /** Settles when all settings that changed were read again; never rejects. */
  #refreshing: Promise<void> = Promise.resolve()
  /** Generations that ended here. */
  readonly ended = new Map<LayerId, number>()

  constructor(deps: HostLayersDeps) {
    this.#deps = deps
    steps.belongsTo(deps.fleet, deps.host)
    this.#zones = new ReadAhead(deps.index, deps.store, deps.timers)
    this.#writer = new JournalWriter(deps.index, deps.meters)
    this.door = new HostDoor({
      ...deps,
      served: (layer) => [...this.#serving.values()].find(({ id }) => id === layer),
      claimed: (layer) => this.observed().find((observed) => observed.layer === layer),
      endedIn: (layer) => this.ended.get(layer) ?? 0,
      ask: deps.onChange,
    })
  }

  has(layer: LayerId): boolean {
    return this.#claiming.has(layer) || this.#serving.has(layer)
  }

  players(): number {
    return [...this.#serving.values()].reduce((sum, layer) => sum + layer.report.players, 0)
  }

  count(): number {
    return this.#serving.size
  }

  /** Ticks that wait for their confirmation, of all layers. */
  ahead(): number {
    return [...this.#serving.values()].reduce((sum, layer) => sum + layer.ahead, 0)
  }

  observed(): readonly ObservedLayer[] {
    const claiming = [...this.#claiming].map(([layer, { generation, closeRequested }]) => ({
      layer,
      generation,
      closing: closeRequested !== undefined,
    }))
    const serving = [...this.#serving.values()].map(({ id, generation, isClosing }) => ({ layer: id, generation, closing: isClosing }))
    return [...claiming, ...serving]
  }

  reports(): readonly LayerReport[] {
    const claiming = [...this.#claiming].map(([layer, { generation }]) => ({
      layer,
      generation,
      epoch: 0,
      state: 'Claiming' as const,
      players: 0,
      dataSafe: true,
    }))
    return [...claiming, ...[...this.#serving.values()].map((layer) => layer.report)]
  }

  /** The layer may be this host's in a moment. */
  expect(layer: LayerId): void {
    this.#zones.begin(layer)
  }

  claim(layer: LayerId, generation: number): void {
    invariant(!this.has(layer), 'a host has a layer once', `a second claim of ${layer}`)
    const claiming: Claiming = { generation, abort: new AbortController(), closeRequested: undefined }
    this.#claiming.set(layer, claiming)
    this.door.begun({ layer, generation })
    this.#deps.onChange()
    void this.#claim(layer, claiming)
  }

  drop(layer: LayerId, reason: string): void {
    const claiming = this.#claiming.get(layer)
    if (claiming !== undefined) {
      claiming.abort.abort(new BailiwickError('LayerLost', { asked: layer, found: reason }))
      this.#gone(layer, claiming.generation)
    }
    this.#serving.get(layer)?.drop(reason)
  }

  /** The end of the host. */
  dropAll(reason: string): void {
    this.#over.abort()
    for (const { layer } of this.observed()) this.drop(layer, reason)
    this.door.shut()
  }

  close(layer: LayerId, reason: CloseReason): void {
    const claiming = this.#claiming.get(layer)
    if (claiming !== undefined) claiming.closeRequested = reason
    this.#serving.get(layer)?.close(reason)
  }

  /**
   * What an answer says that was asked for after a layer ended here. It does not name it: nothing late can name it any more. It does, in the generation that
   * ended: the index still believes that it is here, and is told otherwise, with every answer until it is so.
   */
  settleEnded(answer: HeartbeatAnswer, reported: readonly LayerReport[]): void {
    for (const [layer, generation] of this.ended) {
      if (reported.some((report) => report.layer === layer)) continue
      const named = answer.layers.find((assigned) => assigned.layer === layer)
      if (named === undefined) this.#forget(layer)
      else if (named.generation === generation) void this.#disown(layer, generation)
    }
  }

  /** Whoever of these accounts is in a layer here is sent away. */
  expel(isBarred: (account: string) => boolean): void {
    for (const layer of this.#serving.values()) layer.expel(isBarred)
    this.door.expel(isBarred)
  }

  /** The index does not know this host any more. */
  indexForgot(): void {
    for (const layer of this.#serving.values()) layer.indexForgot()
  }

  #forget(layer: LayerId): void {
    this.ended.delete(layer)
    this.#failures.delete(layer)
  }

  /** New settings of a zone, or of any (undefined), go to its layers. One after another: what was read first must not come last. */
  refreshZone(zone: ZoneId | undefined): Promise<void> {
    this.#refreshing = this.#refreshing.then(() => this.#refresh(zone))
    return this.#refreshing
  }

  async #refresh(zone: ZoneId | undefined): Promise<void> {
    const { index, log, timers } = this.#deps
    for (const layer of this.#serving.values()) {
      const { zone: own } = parseLayerId(layer.id)
      if (zone !== undefined && zone !== own) continue
      try {
        const settings = await retrying(() => readHostedZone(index, own, layer.content), {
          what: `settings of ${own}`,
          log,
          timers,
          signal: this.#over.signal,
          attempts: SETTINGS_ATTEMPTS,
        })
        if (settings !== undefined) layer.configure(settings)
      } catch (error) {
        if (this.#over.signal.aborted) return
        log.warn({ zone: own, detail: describeError(error) }, 'the settings of a zone could not be read again')
      }
    }
  }

  async #claim(layer: LayerId, claiming: Claiming): Promise<void> {
    const { host, meters, timers, log } = this.#deps
    const began = timers.now()
    const seconds = (): number => (timers.now() - began) / 1_000
    try {
      const served = await this.#open(layer, claiming)
      // Dropped meanwhile: whoever has it now claims a higher epoch than this one.
      if (this.#claiming.get(layer) !== claiming) {
        served.drop('no longer wanted')
        return
      }
      this.#claiming.delete(layer)
      this.#serving.set(layer, served)
      this.door.opened(served)
      meters.claim('served', seconds())
      const { epoch, players } = served.report
      log.info({ layer, generation: claiming.generation, epoch, players, ms: timers.now() - began }, 'layer served')
      if (claiming.closeRequested !== undefined) served.close(claiming.closeRequested)
      this.#deps.onChange()
      // They may have changed since they were read for the claim, when the layer could not be told.
      void this.refreshZone(parseLayerId(layer).zone)
    } catch (error) {
      if (this.#claiming.get(layer) !== claiming) return
      log.error({ layer, generation: claiming.generation, host, detail: describeError(error) }, 'layer not claimed')
      meters.claim(isCode(error, 'LayerLost') ? 'lost' : 'failed', seconds())
      await this.#giveUp(layer, claiming, error)
    }
  }

  #open(layer: LayerId, { generation, abort }: Claiming): Promise<Layer> {
    const { meters, ...deps } = this.#deps
    return openLayer(
      {
        packing: packingOffThread,
        ...deps,
        writer: this.#writer,
        zones: this.#zones,
        onTick: (seconds) => meters.tick(seconds),
        onHeld: () => meters.held(),
        onSnapshot: (seconds, bytes) => meters.snapshot(seconds, bytes),
      },
      { layer, generation, signal: abort.signal, onEnd: (_, failure) => this.#layerOver(layer, generation, failure) },
    )
  }

  async #giveUp(layer: LayerId, claiming: Claiming, reason: unknown): Promise<void> {
    const { generation, abort } = claiming
    await this.#tell(layer, generation, reason, abort.signal)
    // Only now: who asks the allocator again is not to be sent here for this claim once more.
    if (this.#claiming.get(layer) === claiming) this.#gone(layer, generation, true)
  }

  /** Keeps what the layer did not survive, and tells the index why this host gives it up. Never throws. */
  async #tell(layer: LayerId, generation: number, reason: unknown, signal: AbortSignal): Promise<void> {
    const { store, host, log, timers, meters } = this.#deps
    if (reason instanceof LayerCrashed) {
      meters.crashed(reason.crash.replayed)
      await keepEvidence(reason, { store, clock: timers, log, host })
    }
    try {
      const options = { what: `failure of ${layer}`, log, timers, signal, attempts: FAIL_ATTEMPTS }
      await retrying(() => this.#fail(layer, generation, reason), options)
    } catch (error) {
      log.warn({ layer, detail: describeError(error) }, 'the index was not told that a layer could not be served')
    }
  }

  #fail(layer: LayerId, generation: number, reason: unknown): Promise<'ok' | 'lost'> {
    const { index, fleet, host } = this.#deps
    const text = describeError(reason).slice(0, REASON_LENGTH)
    const { crash } = reason instanceof LayerCrashed ? reason : {}
    return index.failLayer(fleet, layer, host, generation, text, crash && { tick: crash.tick, replayed: crash.replayed })
  }

  async #disown(layer: LayerId, generation: number): Promise<void> {
    const { log } = this.#deps
    const known = this.#failures.get(layer)
    try {
      const answer = await this.#fail(layer, generation, known ?? 'its host had to drop it, see the log of the host')
      if (answer === 'ok') log.warn({ layer, generation }, 'the index was told that a layer ended here')
    } catch (error) {
      log.debug({ layer, generation, detail: describeError(error) }, 'the index was not told that a layer ended here')
    }
  }

  #layerOver(layer: LayerId, generation: number, failure: unknown): void {
    if (this.#serving.get(layer)?.generation !== generation) return
    this.#gone(layer, generation)
    if (failure === undefined) return
    this.#failures.set(layer, failure)
    void this.#tell(layer, generation, failure, this.#over.signal)
  }

  #gone(layer: LayerId, generation: number, failed = false): void {
    this.#claiming.delete(layer)
    this.#serving.delete(layer)
    this.#failures.delete(layer)
    this.door.over(layer, failed)
    this.ended.set(layer, generation)
    this.#deps.onChange()
  }
}
