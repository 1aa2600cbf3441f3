import { ManualClock } from '../../../core/clock.ts'
import type { FleetId, LayerId, ZoneId } from '../../../core/ids.ts'
import type { IndexRules } from '../../../core/index-rules.ts'
import type { FleetChange, HeartbeatAnswer, LayerReport, LayerView } from '../../../core/ports/index-port.ts'
import { AUTOSCALE_EVERY, GIVEN_BACK_TAKEN_WITHIN } from '../../../core/timing.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import { autoscale } from '../../../services/allocator/autoscale.ts'
import { randomOf } from '../../faults/simulator/random.ts'
import { Events } from './events.ts'
import { POD_START, type Server, Servers } from './servers.ts'

export interface Day {
  readonly seed: number
  readonly zones: number
  readonly seconds: number
  /** Layers of a host. */
  readonly capacity: number
  readonly heartbeatMs: number
  /** How long a zone is awake, on average, ms. */
  readonly awakeMs: number
  /** How many zones are awake, if it goes by the players, at that second. */
  readonly awakeAt: (second: number) => number
  readonly annotations: Readonly<Record<string, string>>
  readonly rules?: Partial<IndexRules>
  /** Seconds at which a node is lost: its hosts fall silent, their servers stay Allocated for `phantomS` more. */
  readonly nodeLostAt?: number
  readonly phantomS?: number
  /** The second at which the template changes: every host is outdated. */
  readonly outdatedAt?: number
  /** Seconds between which the webhook has no fresh view of the index. */
  readonly stale?: readonly [number, number]
}

export interface Sample {
  readonly second: number
  readonly hosts: number
  /** Hosts for what is awake, if each were full. */
  readonly least: number
  readonly wishes: number
}

export interface DayResult {
  readonly samples: readonly Sample[]
  /** How long each wish waited for its host, ms; what waited through a stale index counts from its end. */
  readonly waits: readonly number[]
  readonly wakes: number
  /** Hosts that Agones took for outdated because the fleet's number fell below what was Allocated. */
  readonly marked: number
  /** Hosts over the day to the least possible, less 1. */
  readonly over: number
}

const FLEET: FleetId = 'game/day'
const CLAIM_MS = 20
const CLOSE_MS = 100
const SHUTDOWN_MS = 1_000
/** A wish to the SDK is written so late, ms. */
const SDK_MS = 550
/** What the webhook is told was so, and what it answers will be so, so many ms away. */
const AGONES_MS = { status: 700, scale: 300 }
const NOTHING: readonly LayerReport[] = []

/** A fleet through a day: the real index, placement and webhook, over servers and zones that are made up, in made-up time. */
export async function simulateDay(day: Day): Promise<DayResult> {
  const simulation = new Simulation(day)
  await simulation.run()
  return simulation.result()
}

class Simulation {
  readonly #day: Day
  readonly #clock = new ManualClock(1_700_000_000_000)
  readonly #start = this.#clock.now()
  readonly #events = new Events()
  readonly #random: () => number
  readonly #index
  readonly #servers: Servers
  readonly #asleep: ZoneId[]
  readonly #awake = new Set<LayerId>()
  readonly #wished = new Map<LayerId, number>()
  readonly #changed = new Set<LayerId>()
  readonly #samples: Sample[] = []
  readonly #waits: number[] = []
  #wakes = 0

  constructor(day: Day) {
    this.#day = day
    this.#random = randomOf(day.seed)
    this.#index = createMemoryIndex({ clock: this.#clock, ...(day.rules === undefined ? {} : { timing: day.rules }) })
    this.#asleep = Array.from({ length: day.zones }, (_, n): ZoneId => `game/zone-${n}`)
    this.#servers = new Servers(day.seed + 1, (server, inMs) => this.#in(inMs - 2 * SDK_MS, () => this.#up(server)))
  }

  async run(): Promise<void> {
    const { seconds, nodeLostAt, outdatedAt, phantomS = 600 } = this.#day
    const onChange = (change: FleetChange): void => void (change.kind === 'layer' && this.#changed.add(change.layer))
    await this.#index.watchFleet(FLEET, onChange, new AbortController().signal)
    this.#every(AUTOSCALE_EVERY, 1, () => this.#poll())
    this.#every(1_000, 500, async () => void (await this.#index.sweep(FLEET)))
    this.#every(1_000, 2, () => this.#wakeSome())
    this.#every(1_000, 3, async () => this.#sample())
    if (nodeLostAt !== undefined) this.#in(nodeLostAt * 1_000, () => this.#loseNode(phantomS * 1_000))
    if (outdatedAt !== undefined) this.#in(outdatedAt * 1_000, async () => this.#outdate())
    const end = this.#start + seconds * 1_000
    for (let event = this.#events.next(end); event !== undefined; event = this.#events.next(end)) {
      this.#clock.advance(event.at - this.#clock.now())
      await event.run()
      await this.#settle()
    }
    await this.#index.close()
  }

  result(): DayResult {
    const sum = (of: (sample: Sample) => number): number => this.#samples.reduce((total, sample) => total + of(sample), 0)
    const over = sum(({ hosts }) => hosts) / sum(({ least }) => least) - 1
    const open = [...this.#wished.values()].map((since) => this.#waited(since))
    return { samples: this.#samples, waits: [...this.#waits, ...open], wakes: this.#wakes, marked: this.#servers.marked, over }
  }

  #in(ms: number, run: () => Promise<void>): void {
    this.#events.at(this.#clock.now() + ms, run)
  }

  #every(ms: number, first: number, run: () => Promise<void>): void {
    this.#in(first, async () => {
      this.#every(ms, ms, run)
      await run()
    })
  }

  get #second(): number {
    return Math.floor((this.#clock.now() - this.#start) / 1_000)
  }

  /** As many wake as fall asleep on average, and as the wave brings. */
  async #wakeSome(): Promise<void> {
    const { awakeAt, awakeMs } = this.#day
    const second = this.#second
    const wanted = awakeAt(second + 1) - awakeAt(second) + (awakeAt(second) * 1_000) / awakeMs
    for (let left = wanted; left > 0 && (left >= 1 || this.#random() < left); left -= 1) {
      const at = Math.floor(this.#random() * this.#asleep.length)
      const zone = this.#asleep[at]
      const last = this.#asleep.pop()
      if (zone === undefined || last === undefined) return
      if (at < this.#asleep.length) this.#asleep[at] = last
      this.#in(this.#random() * 990, () => this.#wake(zone))
    }
  }

  async #wake(zone: ZoneId): Promise<void> {
    const layer: LayerId = `${zone}/0`
    this.#wakes += 1
    this.#awake.add(layer)
    await this.#index.placeLayer(FLEET, layer)
    this.#in(-Math.log(1 - this.#random()) * this.#day.awakeMs, () => this.#sleep(zone, layer))
  }

  async #sleep(zone: ZoneId, layer: LayerId): Promise<void> {
    this.#awake.delete(layer)
    await this.#index.requestClose(FLEET, layer, 'ScaleDown')
    const { state, host, generation } = await this.#index.getLayer(FLEET, layer)
    if (host !== undefined && state !== 'Asleep' && this.#hears(host)) await this.#index.closeLayer(FLEET, layer, host, generation)
    this.#wished.delete(layer)
    this.#asleep.push(zone)
  }

  #hears(host: string): boolean {
    const server = this.#servers.all.get(host)
    return server !== undefined && !server.lost
  }

  async #poll(): Promise<void> {
    const allocatedReplicas = this.#servers.allocated
    const status = { replicas: this.#servers.running, readyReplicas: 0, reservedReplicas: 0, allocatedReplicas }
    const request = { uid: 'u', name: 'day', namespace: 'game', status, annotations: { ...this.#day.annotations } }
    this.#in(AGONES_MS.status, async () => {
      const [from, to] = this.#day.stale ?? [0, 0]
      if (this.#second >= from && this.#second < to) return
      const { response } = await autoscale(this.#index, { request })
      this.#in(AGONES_MS.scale, async () => this.#servers.scale(response.replicas))
    })
  }

  /** Its process runs: it is about to be a host. */
  async #up(server: Server): Promise<void> {
    if (!this.#servers.all.has(server.name)) return
    await this.#index.announceHost(FLEET, server.name)
    if (server.state === 'Ready') return this.#in(SDK_MS, () => this.#born(server))
    this.#in(SDK_MS, async () => {
      server.state = 'Ready'
      this.#in(SDK_MS, () => this.#born(server))
    })
  }

  async #born(server: Server): Promise<void> {
    if (!this.#servers.all.has(server.name)) return
    server.state = 'Allocated'
    const { name, node } = server
    await this.#index.registerHost(FLEET, {
      name,
      incarnation: String(server.incarnation),
      node,
      endpoints: ['h:1'],
      capacity: this.#day.capacity,
    })
    this.#in(this.#random() * this.#day.heartbeatMs, () => this.#beat(server))
  }

  async #beat(server: Server): Promise<void> {
    if (server.lost || !this.#servers.all.has(server.name)) return
    const answer = await this.#heartbeat(server, NOTHING)
    for (const { layer, generation, closeRequested } of answer.layers)
      if (closeRequested !== undefined) this.#in(CLOSE_MS, () => this.#closeOn(server, layer, generation))
    if (answer.mayLeave && (await this.#index.leaveHost(FLEET, server.name, String(server.incarnation)))) {
      if (answer.state === 'Retiring') return this.#giveBack(server)
      server.state = 'Shutdown'
      this.#in(SHUTDOWN_MS, () => this.#gone(server))
      return
    }
    this.#in(this.#day.heartbeatMs, () => this.#beat(server))
  }

  /** Agones takes it, or it is needed after all. */
  #giveBack(server: Server): void {
    this.#in(SDK_MS, async () => {
      server.state = 'Ready'
    })
    this.#in(GIVEN_BACK_TAKEN_WITHIN, async () => {
      server.incarnation += 1
      await this.#up(server)
    })
  }

  #heartbeat({ name, incarnation, outdated }: Server, layers: readonly LayerReport[]): Promise<HeartbeatAnswer> {
    return this.#index.heartbeat(FLEET, { host: name, incarnation: String(incarnation), outdated, layers })
  }

  async #closeOn({ name }: Server, layer: LayerId, generation: number): Promise<void> {
    if (!this.#hears(name)) return
    await this.#index.beginClose(FLEET, layer, name, generation, true)
    await this.#index.closeLayer(FLEET, layer, name, generation)
  }

  async #gone(server: Server): Promise<void> {
    this.#servers.all.delete(server.name)
    await this.#index.removeHost(FLEET, server.name, String(server.incarnation))
  }

  /** What the calls of an event changed: assignments are claimed, wishes are timed. */
  async #settle(): Promise<void> {
    await Promise.resolve()
    const changed = [...this.#changed]
    this.#changed.clear()
    for (const layer of changed) this.#see(await this.#index.getLayer(FLEET, layer))
  }

  #see({ layer, state, host, generation, epoch }: LayerView): void {
    const since = this.#wished.get(layer)
    if (state === 'Wished' && since === undefined) this.#wished.set(layer, this.#clock.now())
    if (state !== 'Wished' && since !== undefined) {
      this.#wished.delete(layer)
      if (host !== undefined) this.#waits.push(this.#waited(since))
    }
    const server = host === undefined ? undefined : this.#servers.all.get(host)
    if (state !== 'Assigned' || server === undefined) return
    const report: LayerReport = { layer, generation, epoch: epoch + 1, state: 'Serving', players: 1, dataSafe: true }
    this.#in(CLAIM_MS, async () => void (!server.lost && (await this.#heartbeat(server, [report]))))
  }

  #waited(since: number): number {
    const [from, to] = (this.#day.stale ?? [0, 0]).map((second) => this.#start + second * 1_000) as [number, number]
    const begin = since >= from - POD_START.max && since < to ? to : since
    return Math.max(0, this.#clock.now() - begin)
  }

  async #loseNode(phantomMs: number): Promise<void> {
    for (const server of this.#servers.all.values()) {
      if (server.node !== 'node-0') continue
      server.lost = true
      this.#in(phantomMs, () => this.#gone(server))
    }
  }

  #outdate(): void {
    for (const server of this.#servers.all.values()) server.outdated = true
  }

  #sample(): void {
    const least = Math.max(1, Math.ceil(this.#awake.size / this.#day.capacity))
    this.#samples.push({ second: this.#second, hosts: this.#servers.running, least, wishes: this.#wished.size })
  }
}
