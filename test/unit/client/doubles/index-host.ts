import { randomUUID } from 'node:crypto'
import { isCode } from '../../../../core/errors.ts'
import type { FleetId, LayerId, ZoneId } from '../../../../core/ids.ts'
import type { LayerReport, ZoneIndex } from '../../../../core/ports/index-port.ts'
import type { ZoneSettings } from '../../../../core/settings.ts'

export const fleet: FleetId = 'game/zone-servers'
export const meadow: ZoneId = 'game/meadow'

export function zoneSettings(parts: Partial<ZoneSettings> = {}): ZoneSettings {
  return {
    zone: meadow,
    uid: 'uid-1',
    generation: 1,
    fleet,
    activation: 'OnDemand',
    suspended: false,
    idleAfterMs: 300_000,
    layers: { min: 1, max: 1, maxPlayers: 300 },
    bounds: { min: { x: 0, y: 0 }, max: { x: 1000, y: 1000 } },
    tickRateHz: 20,
    snapshotEveryMs: 30_000,
    ...parts,
  }
}

export interface HostOptions {
  readonly name: string
  readonly endpoints: readonly string[]
  readonly capacity?: number
  /** How long a claim takes, ms. */
  readonly claimMs?: number
  /** Epochs of layers over all hosts: what the store would count. */
  readonly epochs?: Map<LayerId, number>
  /** Default true. False: of a release that refuses a hello for a layer that it does not serve yet. */
  readonly holdsHellos?: boolean
}

export interface ServedLayer {
  readonly layer: LayerId
  readonly generation: number
  readonly epoch: number
  readonly claimedAt: number
  players: number
}

/** A test double of a zone server's side towards the index: registers, heartbeats, claims what it is assigned. */
export class IndexHost {
  readonly served = new Map<LayerId, ServedLayer>()
  /** Every claim there was. */
  readonly claims: ServedLayer[] = []
  readonly #index: ZoneIndex
  readonly #options: HostOptions
  readonly #incarnation = randomUUID()
  readonly #epochs: Map<LayerId, number>
  readonly #stop = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #beating: Promise<void> = Promise.resolve()

  constructor(index: ZoneIndex, options: HostOptions) {
    this.#index = index
    this.#options = options
    this.#epochs = options.epochs ?? new Map()
  }

  get name(): string {
    return this.#options.name
  }

  async start(): Promise<void> {
    const { name, endpoints, capacity = 4, holdsHellos = true } = this.#options
    const incarnation = this.#incarnation
    await this.#index.registerHost(fleet, { name, incarnation, node: 'n1', endpoints, capacity, holdsHellos })
    await this.#index.watchFleet(fleet, () => void this.beat(), this.#stop.signal)
    this.#timer = setInterval(() => void this.beat(), 20)
    await this.beat()
  }

  /** As a crash: no word to anybody. */
  async die(): Promise<void> {
    this.#stop.abort()
    clearInterval(this.#timer)
    await this.#beating
  }

  /** As a host that holds a client until it serves the layer; in generation 0 when it does not in time. */
  async whenServed(layer: LayerId): Promise<{ readonly generation: number }> {
    for (let tries = 0; tries < 1_000 && !this.#stop.signal.aborted; tries++) {
      const own = this.served.get(layer)
      if (own !== undefined && this.#isServed(own)) return own
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    return { generation: 0 }
  }

  #isServed(own: ServedLayer): boolean {
    return Date.now() - own.claimedAt >= (this.#options.claimMs ?? 0)
  }

  beat(): Promise<void> {
    this.#beating = this.#beating.then(() => this.#beat())
    return this.#beating
  }

  async #beat(): Promise<void> {
    if (this.#stop.signal.aborted) return
    try {
      await this.#report()
    } catch (error) {
      // The next one says it again, as a zone server's does.
      if (!isCode(error, 'IndexUnavailable')) throw error
    }
  }

  async #report(): Promise<void> {
    const reports: LayerReport[] = [...this.served.values()].map((own) => ({
      layer: own.layer,
      generation: own.generation,
      epoch: own.epoch,
      state: this.#isServed(own) ? 'Serving' : 'Claiming',
      players: own.players,
      dataSafe: true,
    }))
    const answer = await this.#index.heartbeat(fleet, {
      host: this.name,
      incarnation: this.#incarnation,
      outdated: false,
      layers: reports,
    })
    for (const [layer, own] of this.served) {
      if (!answer.layers.some((entry) => entry.layer === layer && entry.generation === own.generation)) this.served.delete(layer)
    }
    for (const { layer, generation, closeRequested } of answer.layers) {
      if (closeRequested !== undefined) {
        this.served.delete(layer)
        await this.#index.beginClose(fleet, layer, this.name, generation, true)
        await this.#index.closeLayer(fleet, layer, this.name, generation)
      } else if (!this.served.has(layer)) {
        const epoch = (this.#epochs.get(layer) ?? 0) + 1
        this.#epochs.set(layer, epoch)
        const claim = { layer, generation, epoch, claimedAt: Date.now(), players: 0 }
        this.served.set(layer, claim)
        this.claims.push(claim)
        void this.beat()
      }
    }
  }
}
