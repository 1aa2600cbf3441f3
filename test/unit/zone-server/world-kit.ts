import { randomUUID } from 'node:crypto'
import { type CharacterRecord, type CharacterState, chains } from '../../../core/chains.ts'
import { systemClock } from '../../../core/clock.ts'
import type { LayerId, ZoneId } from '../../../core/ids.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import { type Log, silentLog } from '../../../core/ports/log-port.ts'
import type { ChainEntry, JsonObject, Store } from '../../../core/ports/store-port.ts'
import type { ZoneSettings } from '../../../core/settings.ts'
import { createMemoryIndex, type MemoryIndex } from '../../../platform/memory/memory-index.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { createZoneServer, type ZoneServer } from '../../../zone-server/create-zone-server.ts'
import type { HelloLimits } from '../../../zone-server/held-hellos.ts'
import { smallZone } from '../../zone-settings.ts'
import { GrantedGameServer } from './granted-game-server.ts'
import { TestClient } from './test-client.ts'

export const FLEET = 'game/zone-servers'
export const ZONE: ZoneId = 'game/meadow'
export const LAYER: LayerId = 'game/meadow/0'
export const ACCOUNT = 'account-1'

export interface HostUnderTest {
  readonly server: ZoneServer
  readonly gameServer: GrantedGameServer
}

/** An index, a store and hosts in this process. */
export class World {
  readonly index: MemoryIndex
  readonly store: Store
  readonly #hosts: HostUnderTest[] = []
  readonly #clients: TestClient[] = []
  #sweeping: NodeJS.Timeout

  private constructor(index: MemoryIndex, store: Store) {
    this.index = index
    this.store = store
    this.#sweeping = setInterval(() => void index.sweep(FLEET).catch(() => undefined), 50)
  }

  get hosts(): readonly HostUnderTest[] {
    return this.#hosts
  }

  static async create(timing: Parameters<typeof createMemoryIndex>[0]['timing'] = {}): Promise<World> {
    const index = createMemoryIndex({ clock: systemClock, timing })
    const world = new World(index, await createSqliteStore({ file: ':memory:' }))
    await index.putZone(zone())
    return world
  }

  /** A host over this world's index and store, or over what `through` makes of them. */
  async host(
    name: string,
    through: { index?: ZoneIndex; store?: Store; log?: Log; capacity?: number; helloLimits?: HelloLimits } = {},
  ): Promise<HostUnderTest> {
    const gameServer = new GrantedGameServer(name)
    const server = await createZoneServer({
      index: through.index ?? this.index,
      store: through.store ?? this.store,
      gameServer,
      log: through.log ?? silentLog,
      clock: systemClock,
      metrics: createMetrics('zone-server'),
      capacity: through.capacity ?? 4,
      gamePort: 0,
      gameHost: '127.0.0.1',
      node: 'node-1',
      advertise: (port) => `127.0.0.1:${port}`,
      // So short that it waits for no other host.
      stopWithinMs: 20_000,
      helloLimits: through.helloLimits,
    })
    const host = { server, gameServer }
    this.#hosts.push(host)
    return host
  }

  /** The host dies, and the index is told that its pod is gone: nobody waits for a verdict over its silence. */
  async lose({ server, gameServer }: HostUnderTest): Promise<void> {
    await server.kill()
    await this.index.removeHost(FLEET, gameServer.view.name)
  }

  async character(id: string, state: Partial<CharacterState> = {}): Promise<string> {
    const record: CharacterRecord = {
      kind: 'released',
      account: ACCOUNT,
      name: (id[0] ?? '').toUpperCase() + id.slice(1),
      createdAt: 1_700_000_000_000,
      state: { zone: null, position: null, inventory: [], inputSequence: 0, ...state },
    }
    const { kind, ...rest } = record
    await this.store.append(chains.character(id), 1, randomUUID(), { kind, data: JSON.parse(JSON.stringify(rest)) as JsonObject })
    return id
  }

  /** A ticket and where it is good; waits until the layer is served, where the allocator would give one with the placement. */
  async ticket(
    character: string,
    layer: LayerId = LAYER,
    ttlMs = 15_000,
    account = ACCOUNT,
  ): Promise<{ ticket: string; endpoint: string; epoch: number }> {
    const ticket = randomUUID()
    for (;;) {
      const { state } = await this.index.placeLayer(FLEET, layer)
      const view = state === 'Serving' ? await this.index.joinLayer(FLEET, layer, { id: ticket, account, character, ttlMs }) : undefined
      if (view?.ticketed === true && view.state === 'Serving') return { ticket, endpoint: view.endpoints[0] ?? '', epoch: view.epoch }
      await pause(10)
    }
  }

  async connect(endpoint: string, kind: 'websocket' | 'tcp' = 'websocket'): Promise<TestClient> {
    const client = await TestClient.connect(endpoint, kind)
    this.#clients.push(client)
    return client
  }

  /** Through the door, up to the welcome. */
  async join(character: string, kind: 'websocket' | 'tcp' = 'websocket', layer: LayerId = LAYER): Promise<TestClient> {
    const { ticket, endpoint } = await this.ticket(character, layer)
    const client = await this.connect(endpoint, kind)
    client.hello(layer, ticket)
    await client.welcome()
    return client
  }

  async characterHead(character: string): Promise<ChainEntry | undefined> {
    return this.store.head(chains.character(character))
  }

  async layerChain(layer: LayerId = LAYER): Promise<readonly ChainEntry[]> {
    return this.store.read(chains.layer(layer), 1, 1_000)
  }

  async end(): Promise<void> {
    clearInterval(this.#sweeping)
    for (const client of this.#clients) client.cut()
    await Promise.all(this.#hosts.map(({ server }) => server.kill()))
    await this.index.close()
    await this.store.close()
  }
}

export function zone(change: Partial<ZoneSettings> = {}): ZoneSettings {
  return smallZone({ bounds: { min: { x: 0, y: 0 }, max: { x: 1_000, y: 1_000 } }, snapshotEveryMs: 30_000, ...change })
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Waits until it holds; the test's own time limit ends it. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(5)
}

/** An adapter whose calls wait while it is frozen, as those of a stopped process would, or fail while it is away. */
export class Gate {
  #open: (() => void) | undefined
  #frozen: Promise<void> | undefined
  #failing: Error | undefined

  freeze(): void {
    this.#frozen ??= new Promise((resolve) => {
      this.#open = resolve
    })
  }

  thaw(): void {
    this.#open?.()
    this.#frozen = undefined
  }

  fail(error: Error | undefined): void {
    this.#failing = error
  }

  through<T extends object>(adapter: T): T {
    return new Proxy(adapter, {
      get: (target, name, receiver) => {
        const value: unknown = Reflect.get(target, name, receiver)
        if (typeof value !== 'function') return value
        return async (...args: unknown[]): Promise<unknown> => {
          await this.#frozen
          if (this.#failing !== undefined) throw this.#failing
          return value.apply(target, args)
        }
      },
    })
  }
}
