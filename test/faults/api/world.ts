import { setTimeout as delay } from 'node:timers/promises'
import { isCode } from '../../../core/errors.ts'
import { type FleetId, fleetId, type LayerId, layerId, type ZoneId, zoneId } from '../../../core/ids.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import type { Log } from '../../../core/ports/log-port.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import type { Zone, ZoneSpec } from '../../../core/zone.ts'
import type { KubernetesClient } from '../../../platform/kubernetes/client.ts'
import type { KubernetesObject } from '../../../platform/kubernetes/objects.ts'
import { autoscalers, fleetManifest, fleets, gameServers, zones } from '../../api-server/objects.ts'
import type { ApiServer } from '../../api-server/server.ts'
import { HostDouble } from '../../unit/operator/world/host-double.ts'
import { Life } from '../../unit/operator/world/mortal.ts'
import type { Footing } from './footing.ts'
import { ApiProxy, type Done } from './proxy.ts'
import type { Strikes } from './strikes.ts'

/** Nobody operates for so long after a death, at most. */
const DOWN_MS = 500
const MAX_LINES = 400
/** Nothing that is waited for comes later, also on a machine that is busy with other things. */
export const PATIENCE = 180_000

export const bounds = { min: { x: 0, y: 0 }, max: { x: 100, y: 100 } }

/**
 * One namespace of a real API server, a real operator that knows no other, an index of its own, doubles of hosts. The
 * operator reaches all of it through what the plan's faults act on; people and hosts do not.
 */
export class World {
  readonly namespace: string
  readonly index: ZoneIndex
  readonly store: Store
  readonly strikes: Strikes
  readonly done: Done = { creates: {}, deletes: {} }
  readonly hosts = new Map<string, HostDouble>()
  readonly lines: string[] = []
  lives = 0
  readonly #api: KubernetesClient
  readonly #server: ApiServer
  readonly #footing: Footing
  #ending = false
  #starting: Promise<void> = Promise.resolve()
  readonly #operators: Promise<void>[] = []
  #proxy: ApiProxy | undefined
  #life = new Life()

  private constructor(server: ApiServer, api: KubernetesClient, namespace: string, strikes: Strikes, footing: Footing) {
    this.#server = server
    this.#api = api
    this.#footing = footing
    this.namespace = namespace
    this.strikes = strikes
    this.index = footing.index
    this.store = footing.store
  }

  /** The footing ends with the world. */
  static async create(server: ApiServer, api: KubernetesClient, namespace: string, strikes: Strikes, footing: Footing): Promise<World> {
    const world = new World(server, api, namespace, strikes, footing)
    await server.makeNamespace(namespace)
    for (const name of ['zone-servers', 'fast']) await api.create(fleets(namespace), fleetManifest(namespace, name))
    await world.addHost('zone-servers', 'h1')
    await world.addHost('zone-servers', 'h2')
    await world.addHost('fast', 'f1')
    await world.startOperator()
    return world
  }

  async addHost(fleet: string, name: string): Promise<void> {
    const host = new HostDouble({ index: this.index, store: this.store, fleet: this.fleet(fleet), name, sleeps: true })
    this.hosts.set(name, host)
    await this.untilIndex(() => host.start())
    const labels = { 'agones.dev/fleet': fleet }
    const template = { spec: { containers: [{ name: 'zone-server', image: 'zone-server:1' }] } }
    const object = {
      apiVersion: 'agones.dev/v1',
      kind: 'GameServer',
      metadata: { name, namespace: this.namespace, labels },
      spec: { template },
    }
    await this.#api.create(gameServers(this.namespace), { ...object, status: { state: 'Allocated' } })
  }

  /** The game server is to go: Agones says so, and its host hears it as well, a little later. */
  async shutDown(host: string): Promise<void> {
    await this.#api.mergePatch(gameServers(this.namespace), host, { status: { state: 'Shutdown' } })
    await delay(200)
    await this.untilIndex(() => this.hosts.get(host)?.drain())
  }

  /** People and hosts try again for as long as the index is away. */
  async untilIndex<T>(work: () => Promise<T> | T): Promise<T> {
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (!isCode(error, 'IndexUnavailable')) throw error
        await delay(100)
      }
    }
  }

  startOperator(): Promise<void> {
    const started = this.#begin()
    this.#starting = started.catch(() => undefined)
    return started
  }

  async #begin(): Promise<void> {
    const life = new Life()
    this.#life = life
    this.lives += 1
    const crash = (): void => this.#crash(life)
    const proxy = new ApiProxy({ upstream: this.#server.endpoint(), strikes: this.strikes, done: this.done, onCrash: crash })
    this.#proxy = proxy
    const { namespace, strikes } = this
    const over = await this.#footing.begin({ namespace, strikes, life, proxy, apiUrl: await proxy.start(), log: this.#log() })
    void life.death.promise.then(() => {
      const ended = over()
      // Told when the world ends.
      ended.catch(() => undefined)
      this.#operators.push(ended)
    })
  }

  #crash(life: Life): void {
    if (life.dead) return
    life.dead = true
    life.death.resolve()
    this.#proxy?.cut()
    this.#line(`life ${this.lives} ended`)
    if (!this.#ending) setTimeout(() => !this.#ending && void this.startOperator(), Math.random() * DOWN_MS)
  }

  fleet(name: string): FleetId {
    return fleetId(this.namespace, name)
  }

  id(zone: string): ZoneId {
    return zoneId(this.namespace, zone)
  }

  layer(zone: string, index = 0): LayerId {
    return layerId(this.id(zone), index)
  }

  async apply(name: string, spec: Partial<ZoneSpec> & Record<string, unknown>): Promise<KubernetesObject> {
    const known = await this.#api.get(zones(this.namespace), name)
    if (known === undefined || known.metadata.deletionTimestamp !== undefined) {
      await this.gone(name)
      const metadata = { name, namespace: this.namespace }
      return this.#api.create(zones(this.namespace), {
        apiVersion: 'bailiwick.dev/v1alpha1',
        kind: 'Zone',
        metadata,
        spec: { bounds, ...spec },
      })
    }
    return this.replaceSpec(name, { bounds, ...spec })
  }

  async replaceSpec(name: string, spec: object): Promise<KubernetesObject> {
    return this.#api.jsonPatch(zones(this.namespace), name, [{ op: 'replace', path: '/spec', value: spec }])
  }

  async delete(name: string): Promise<void> {
    await this.#api.delete(zones(this.namespace), name)
  }

  async gone(name: string): Promise<void> {
    await this.until(`${name} to be gone`, async () => (await this.zone(name)) === undefined)
  }

  async zone(name: string): Promise<Zone | undefined> {
    return (await this.#api.get(zones(this.namespace), name)) as unknown as Zone | undefined
  }

  async objects(kind: typeof zones): Promise<readonly KubernetesObject[]> {
    return (await this.#api.list(kind(this.namespace))).items
  }

  /** Waits until the zone's status is about its spec as it is and shows this phase. */
  async shows(name: string, phase: string): Promise<void> {
    await this.until(`${name} to be ${phase}`, async () => {
      const zone = await this.zone(name)
      return zone?.status?.phase === phase && zone.status.observedGeneration === zone.metadata.generation
    })
  }

  async until(what: string, ask: () => Promise<boolean>, limitMs = PATIENCE): Promise<void> {
    const begun = performance.now()
    // Faults that come while somebody waits give everything its time anew.
    while (!(await this.untilIndex(ask))) {
      if (performance.now() > Math.max(begun, this.strikes.lastAt) + limitMs)
        throw new Error(`${limitMs} ms after the last fault: waited for ${what}`)
      await delay(100)
    }
  }

  async end(): Promise<void> {
    this.#ending = true
    for (const host of this.hosts.values()) host.stop()
    this.#proxy?.cut()
    this.#life.dead = true
    this.#life.death.resolve()
    await this.#starting
    const ends = await Promise.allSettled(this.#operators)
    await this.#footing.end()
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }

  #line(text: string): void {
    this.lines.push(`${new Date().toISOString().slice(14, 23)} ${text}`)
    if (this.lines.length > MAX_LINES) this.lines.shift()
  }

  #log(): Log {
    const write =
      (level: string) =>
      (fields: object, event: string): void =>
        this.#line(`${level} ${event} ${JSON.stringify(fields)}`)
    const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error'), child: () => log }
    return log
  }
}

export { autoscalers, fleets, zones }
