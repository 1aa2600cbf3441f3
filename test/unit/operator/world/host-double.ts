import { chains } from '../../../../core/chains.ts'
import { isCode } from '../../../../core/errors.ts'
import { type FleetId, type LayerId, parseLayerId } from '../../../../core/ids.ts'
import type { HostAssignment, LayerReport, ZoneIndex } from '../../../../core/ports/index-port.ts'
import type { Store } from '../../../../core/ports/store-port.ts'
import { HEARTBEAT_EVERY } from '../../../../core/timing.ts'

/** A test double of a zone server: takes what it is assigned, claims it in the store, serves it with as many players as told, closes it when asked. */
export class HostDouble {
  readonly players = new Map<LayerId, number>()
  readonly #deps: {
    readonly index: ZoneIndex
    readonly store: Store
    readonly fleet: FleetId
    readonly name: string
    readonly capacity: number
    /** Closes a layer that was empty for as long as the zone's settings say, as zone servers do. */
    readonly sleeps: boolean
  }
  readonly #emptySince = new Map<LayerId, number>()
  #beating = false
  #layers = new Map<LayerId, LayerReport>()
  #timer: NodeJS.Timeout | undefined
  /** Says so instead of serving. */
  failing: string | undefined

  constructor(deps: { index: ZoneIndex; store: Store; fleet: FleetId; name: string; capacity?: number; sleeps?: boolean }) {
    this.#deps = { capacity: 4, sleeps: false, ...deps }
  }

  async start(): Promise<void> {
    await this.#register()
    this.#timer = setInterval(() => void this.#beatOnce(), HEARTBEAT_EVERY)
  }

  async #register(serving: readonly LayerReport[] = []): Promise<void> {
    const { index, fleet, name, capacity } = this.#deps
    await index.registerHost(fleet, { name, incarnation: `${name}-1`, node: 'n1', endpoints: [`${name}:7000`], capacity }, serving)
  }

  /** Its template is no longer the fleet's, or its node is to go. */
  async drain(): Promise<void> {
    await this.#deps.index.drainHost(this.#deps.fleet, this.#deps.name)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** One at a time; what an index that does not answer makes impossible is done with a later one. */
  async #beatOnce(): Promise<void> {
    if (this.#beating) return
    this.#beating = true
    try {
      await this.#beat()
    } catch (error) {
      if (!isCode(error, 'IndexUnavailable')) throw error
    } finally {
      this.#beating = false
    }
  }

  async #beat(): Promise<void> {
    const { index, fleet, name } = this.#deps
    const layers = [...this.#layers.values()].map((report) => ({ ...report, players: this.players.get(report.layer) ?? 0 }))
    const answer = await index.heartbeat(fleet, { host: name, incarnation: `${name}-1`, outdated: false, layers })
    if (!answer.known) return this.#register(layers)
    for (const assignment of answer.layers) {
      if (assignment.closeRequested !== undefined) await this.#close(assignment, true)
      else if (this.#layers.get(assignment.layer)?.generation !== assignment.generation) await this.#claim(assignment)
    }
    const mine = new Set(answer.layers.map(({ layer }) => layer))
    for (const layer of this.#layers.keys()) if (!mine.has(layer)) this.#layers.delete(layer)
    if (this.#deps.sleeps) for (const report of layers) await this.#closeIdle(report)
  }

  async #closeIdle({ layer, generation, players }: LayerReport): Promise<void> {
    const settings = players > 0 ? undefined : await this.#deps.index.getZone(parseLayerId(layer).zone)
    if (settings?.activation !== 'OnDemand') {
      this.#emptySince.delete(layer)
      return
    }
    const since = this.#emptySince.get(layer) ?? performance.now()
    this.#emptySince.set(layer, since)
    if (performance.now() - since >= settings.idleAfterMs) await this.#close({ layer, generation, closeRequested: undefined }, false)
  }

  async #claim({ layer, generation }: HostAssignment): Promise<void> {
    const { index, store, fleet, name } = this.#deps
    if (this.failing !== undefined) {
      await index.failLayer(fleet, layer, name, generation, this.failing)
      return
    }
    const chain = chains.layer(layer)
    const epoch = ((await store.head(chain))?.n ?? 0) + 1
    await store.append(chain, epoch, `${name}-${epoch}`, { kind: 'open', data: { host: name, generation, code: 'x', lastSnapshot: 0 } })
    await index.raiseFence(layer, epoch)
    this.#layers.set(layer, { layer, generation, epoch, state: 'Serving', players: 0, dataSafe: true })
  }

  async #close({ layer, generation }: HostAssignment, force: boolean): Promise<void> {
    const { index, store, fleet, name } = this.#deps
    const report = this.#layers.get(layer)
    if ((await index.beginClose(fleet, layer, name, generation, force)) !== 'ok') return
    const chain = chains.layer(layer)
    const n = ((await store.head(chain))?.n ?? 0) + 1
    if (report !== undefined)
      await store.append(chain, n, `${name}-${n}`, { kind: 'close', data: { epoch: report.epoch, tick: 1, lastSnapshot: 0 } })
    this.#layers.delete(layer)
    this.#emptySince.delete(layer)
    await index.closeLayer(fleet, layer, name, generation)
  }
}
