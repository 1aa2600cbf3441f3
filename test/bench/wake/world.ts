import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { chains } from '../../../core/chains.ts'
import { storedCharacter } from '../../../core/character-record.ts'
import type { FleetId, ZoneId } from '../../../core/ids.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { type RedisServer, startRedisServer } from '../../contract/redis-server.ts'
import { smallZone } from '../../zone-settings.ts'
import { type Child, guard, OTHER_CORE, SERVER_CORE, startChild, temporaryFolder } from '../kit/pinned.ts'
import type { Call } from './traced.ts'
import { type Door, Notices } from './wake.ts'

const START_LIMIT = 30_000
const SLEEP_LIMIT = 30_000
const ACCOUNT = 'account-1'
const [namespace, fleetName] = ['game', 'bench']
const fleet: FleetId = `${namespace}/${fleetName}`
const storeFile = join(temporaryFolder, 'store.db')

/** Zones that sleep, each with a character that may join it, an allocator, and hosts as they are started. */
export class World {
  readonly #redis: RedisServer
  readonly #index: ZoneIndex
  readonly #allocator: Child
  readonly door: Door
  readonly notices = new Notices()
  readonly #over = new AbortController()
  #host: { readonly name: string; readonly child: Child } | undefined
  #hosts = 0

  private constructor(redis: RedisServer, index: ZoneIndex, allocator: Child, door: Door) {
    this.#redis = redis
    this.#index = index
    this.#allocator = allocator
    this.door = door
  }

  /** With so many zones, `zoneOf(n)`. */
  static async start(count: number): Promise<World> {
    const redis = await startRedisServer()
    guard(redis.pid)
    const index = createRedisIndex({ url: redis.url, log: silentLog })
    const store = await createSqliteStore({ file: storeFile })
    for (let n = 0; n < count; n++) {
      const zone = zoneOf(n)
      await index.putZone(smallZone({ zone, uid: `uid-${n}`, fleet, activation: 'OnDemand', idleAfterMs: 100 }))
      const state = { zone, position: { x: 2_000, y: 2_000 }, inventory: [], inputSequence: 0 }
      const record = { kind: 'released', account: ACCOUNT, name: `Somebody${n}`, createdAt: 0, state } as const
      await store.append(chains.character(characterOf(n)), 1, `made ${n}`, storedCharacter(record))
    }
    await store.close()
    const allocator = startChild(join(import.meta.dirname, 'allocator.ts'), OTHER_CORE)
    const asked = { redisUrl: redis.url, account: ACCOUNT }
    const { port, accessToken } = await allocator.call<{ port: number; accessToken: string }>('start', asked, START_LIMIT)
    const world = new World(redis, index, allocator, { url: `http://127.0.0.1:${port}`, accessToken })
    await world.notices.watch(index, fleet, world.#over.signal)
    return world
  }

  /** Starts a zone server; resolves when it is registered. */
  async startHost(): Promise<void> {
    const name = `host-${++this.#hosts}`
    const child = startChild(join(import.meta.dirname, 'host.ts'), SERVER_CORE)
    this.#host = { name, child }
    await child.call('start', { redisUrl: this.#redis.url, storeFile, namespace, fleet: fleetName, name }, START_LIMIT)
  }

  /** Ends the zone server, which serves nothing now. */
  async endHost(): Promise<void> {
    await this.#host?.child.end()
    if (this.#host !== undefined) await this.#index.removeHost(fleet, this.#host.name)
    this.#host = undefined
  }

  /** Resolves when all zones sleep. */
  async asleep(): Promise<void> {
    const limit = performance.now() + SLEEP_LIMIT
    for (;;) {
      const awake = (await this.#index.fleetView(fleet)).layers.filter(({ state }) => state !== 'Asleep')
      if (awake.length === 0) return
      if (performance.now() > limit) throw new Error(`${awake.length} layers do not fall asleep; the first is ${awake[0]?.state}`)
      await delay(25)
    }
  }

  /** The calls that allocator and host made since the last time. */
  async calls(): Promise<readonly Call[]> {
    const children = this.#host === undefined ? [this.#allocator] : [this.#allocator, this.#host.child]
    return (await Promise.all(children.map((child) => child.call<readonly Call[]>('taken', undefined, START_LIMIT)))).flat()
  }

  async end(): Promise<void> {
    this.#over.abort()
    await this.endHost()
    await this.#allocator.end()
    await this.#index.close()
    await this.#redis.stop()
  }
}

export function zoneOf(n: number): ZoneId {
  return `${namespace}/zone-${n}`
}

export function characterOf(n: number): string {
  return `character-${n}`
}
