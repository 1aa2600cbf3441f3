import { vi } from 'vitest'
import { chains } from '../../../../core/chains.ts'
import { type FleetId, layerId, type ZoneId } from '../../../../core/ids.ts'
import { silentLog } from '../../../../core/ports/log-port.ts'
import type { Store } from '../../../../core/ports/store-port.ts'
import type { Zone } from '../../../../core/zone.ts'
import { createOperator, type Operator } from '../../../../operator/operator.ts'
import { createMemoryIndex, type MemoryIndex } from '../../../../platform/memory/memory-index.ts'
import { createSqliteStore } from '../../../../platform/sqlite/index.ts'
import { ApiDouble } from './api-double.ts'
import { HostDouble } from './host-double.ts'
import { Life, mortalIndex, mortalStore, noMetrics, switchedIndex } from './mortal.ts'

/** The machine's clock, which the tests' fake timers move. */
const clock = { now: () => Date.now() }

/** The real operator over the real memory index and SQLite store, with doubles of the API server and of hosts, in fake time. */
export class World {
  readonly api = new ApiDouble()
  readonly index: MemoryIndex = createMemoryIndex({ clock })
  readonly store: Store
  readonly hosts: HostDouble[] = []
  #operator: Operator | undefined
  life = new Life()
  /** The operator can't reach the index. */
  indexAway = false
  /** False: the operator has lost its lease. */
  leading = true
  /** Warnings and errors in the log of the operator. */
  readonly told: string[] = []
  /** How many operators have lived. */
  lives = 0

  private constructor(store: Store) {
    this.store = store
  }

  static async create(): Promise<World> {
    return new World(await createSqliteStore({ file: ':memory:' }))
  }

  /** `downFor`: how long (ms) nobody operates after the death, which comes with the write of this number. */
  async startOperator(diesAt?: number, downFor = 0): Promise<void> {
    const life = new Life(diesAt)
    this.life = life
    this.lives += 1
    const operator = createOperator({
      zones: this.api.zoneSource(life),
      fleets: this.api.fleetSource(life),
      contents: this.api.contentSource(life),
      index: mortalIndex(
        switchedIndex(this.index, () => this.indexAway),
        life,
      ),
      store: mortalStore(this.store, life),
      clock,
      monotonic: clock,
      log: { ...silentLog, warn: (_, event) => this.told.push(event), error: (_, event) => this.told.push(event) },
      metrics: noMetrics,
      defaultFleet: 'zone-servers',
      namespaces: [],
      random: () => 0.5,
      mayAct: () => this.leading,
    })
    this.#operator = operator
    void life.death.promise.then(async () => {
      await operator.stop()
      if (downFor > 0) await new Promise((resolve) => setTimeout(resolve, downFor))
      await this.startOperator()
    })
    await operator.start().catch((error: unknown) => {
      if (!life.dead) throw error
    })
  }

  async addHost(fleet: FleetId, name: string, capacity = 4): Promise<HostDouble> {
    const host = new HostDouble({ index: this.index, store: this.store, fleet, name, capacity })
    this.hosts.push(host)
    await host.start()
    return host
  }

  async pass(ms: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms)
  }

  async end(): Promise<void> {
    for (const host of this.hosts) host.stop()
    await this.#operator?.stop()
    await this.store.close()
  }

  zone(id: ZoneId): Zone {
    const zone = this.api.zones.get(id)
    if (zone === undefined) throw new Error(`no zone ${id}`)
    return zone
  }

  isDeleting(): boolean {
    return [...this.api.zones.values()].some(({ metadata }) => metadata.deletionTimestamp !== undefined)
  }

  condition(id: ZoneId, type: string): string {
    const found = this.zone(id).status?.conditions?.find((condition) => condition.type === type)
    return found === undefined ? 'none' : `${found.status} ${found.reason}`
  }

  /** What people see of it all, and what is open: the same also when nobody operated while they did something. */
  async outcome(fleets: readonly FleetId[]): Promise<unknown> {
    const { zones, settings } = (await this.endState(fleets, [])) as { zones: unknown; settings: unknown }
    const views = await Promise.all(fleets.map((fleet) => this.index.fleetView(fleet)))
    const open = views.flatMap(({ layers }) => layers).filter(({ host }) => host !== undefined)
    return { zones, settings, open: open.map(({ layer, state, host }) => ({ layer, state, host })) }
  }

  /** Everything that must come out the same, however often the operator was killed: no times, versions or counts of tries. */
  async endState(fleets: readonly FleetId[], zones: readonly ZoneId[]): Promise<unknown> {
    const views = await Promise.all(fleets.map((fleet) => this.index.fleetView(fleet)))
    const heads = await Promise.all(zones.flatMap((zone) => [0, 1, 2].map((index) => this.store.head(chains.layer(layerId(zone, index))))))
    return {
      zones: [...this.api.zones.values()].map(({ metadata, spec, status }) => ({
        name: metadata.name,
        deleting: metadata.deletionTimestamp !== undefined,
        finalizers: metadata.finalizers,
        spec,
        phase: status?.phase,
        fleet: status?.fleet,
        layers: status?.layers?.map(({ index, state, host, players }) => ({ index, state, host, players })),
        conditions: status?.conditions?.map(({ type, status: is, reason }) => `${type} ${is} ${reason}`),
      })),
      settings: await this.index.listZones(),
      fleets: views.map(({ barred, layers }) => ({ barred, layers: layers.map(({ layer, state, host }) => ({ layer, state, host })) })),
      heads: heads.map((head) => head?.kind),
      made: [...this.api.fleets.values()].map(({ fleet, autoscaler }) => ({ id: fleet.id, annotations: fleet.annotations, autoscaler })),
    }
  }
}
