import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Connect } from '../../../client/connection.ts'
import type { LayerId } from '../../../core/ids.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import type { ArchivedStore } from '../../../core/ports/store-archive-port.ts'
import { createMongoStore } from '../../../platform/mongo/index.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { simulationSettings } from '../../../zone-server/restore.ts'
import type { MongoServer } from '../../contract/mongo-server.ts'
import { type RedisServer, startRedisServer } from '../../contract/redis-server.ts'
import { smallZone } from '../../zone-settings.ts'
import { audit, type Possessions } from '../simulator/audit.ts'
import { createCharacters } from '../simulator/characters.ts'
import { LayerHistory } from '../simulator/history.ts'
import { FLEET } from '../simulator/host.ts'
import { Player } from './crowd.ts'
import { type HostProcess, startHostProcess } from './host-process.ts'
import type { StoreOrder } from './messages.ts'
import { JournalReader } from './reader.ts'

export const LAYER: LayerId = 'game/meadow/0'
/** Everybody does something so often, milliseconds. */
const ACT_EVERY = 40
const READ_EVERY = 25
const SWEEP_EVERY = 50

export interface WorldOptions {
  readonly connect: Connect
  readonly random: () => number
  readonly characters: number
  /** Hosts that stand by, each ready to be the next owner. */
  readonly hosts: number
  /** Absent: SQLite. */
  readonly mongo?: MongoServer | undefined
  /** Where everybody finds Redis, if not where it is. */
  readonly redisPort?: ((redis: RedisServer) => Promise<number>) | undefined
  readonly redisSettings?: readonly string[] | undefined
}

/** Zone servers in processes of their own over a real Redis and a real store, people who play in one layer, and one who writes down everything that is confirmed. */
export class KillWorld {
  readonly redis: RedisServer
  readonly index: ZoneIndex
  readonly store: ArchivedStore
  readonly history: LayerHistory
  #reader: JournalReader
  readonly players: Player[] = []
  readonly lines: string[] = []
  #hosts: HostProcess[] = []
  #born = 0
  #failure: unknown
  #reading = Promise.resolve(true)
  readonly #redisUrl: string
  readonly #order: StoreOrder
  readonly #folder: string
  readonly #timers: NodeJS.Timeout[] = []
  readonly #working = new Set<Promise<unknown>>()
  #given: Possessions = { characters: new Map() }

  private constructor(redis: RedisServer, redisUrl: string, store: ArchivedStore, order: StoreOrder, folder: string) {
    this.redis = redis
    this.store = store
    this.#redisUrl = redisUrl
    this.#order = order
    this.#folder = folder
    this.index = createRedisIndex({ url: redisUrl, log: silentLog })
    this.history = new LayerHistory(LAYER, simulationSettings(settings), false)
    this.#reader = new JournalReader(redis.url, LAYER, this.history)
  }

  static async create(options: WorldOptions): Promise<KillWorld> {
    const folder = mkdtempSync(join(tmpdir(), 'bailiwick-kill-'))
    const redis = await startRedisServer(options.redisSettings)
    const redisUrl = `redis://127.0.0.1:${(await options.redisPort?.(redis)) ?? redis.port}`
    const order: StoreOrder =
      options.mongo === undefined
        ? { kind: 'sqlite', file: join(folder, 'store.db') }
        : { kind: 'mongo', url: options.mongo.url, database: options.mongo.database() }
    const store = order.kind === 'sqlite' ? await createSqliteStore({ file: order.file }) : await createMongoStore(order)
    const world = new KillWorld(redis, redisUrl, store, order, folder)
    await world.#begin(options)
    return world
  }

  /** What everybody had in the beginning. */
  get given(): Possessions {
    return this.#given
  }

  get hosts(): readonly HostProcess[] {
    return this.#hosts
  }

  /** The process that has the layer, or claims it; waits until there is one. */
  async owner(): Promise<HostProcess> {
    for (;;) {
      const { host } = await this.patiently(() => this.index.getLayer(FLEET, LAYER))
      const found = this.#hosts.find(({ name }) => name === host)
      if (found !== undefined) return found
      this.throwIfFailed()
      await pause(5)
    }
  }

  /** A process more. */
  bear(): void {
    const order = { name: `host-${++this.#born}`, redis: this.#redisUrl, store: this.#order }
    this.#hosts.push(
      startHostProcess(
        order,
        (through) => this.#untilRead(through),
        (line) => this.#note(line),
        this.#folder,
      ),
    )
  }

  /** Kills a host, and says so where Kubernetes would: the pod is gone for good, so nobody waits for its heartbeats. */
  async kill(host: HostProcess): Promise<void> {
    await host.kill()
    this.#hosts = this.#hosts.filter((other) => other !== host)
    await this.patiently(() => this.index.removeHost(FLEET, host.name))
  }

  /** Resolves once it holds; throws when something went wrong meanwhile. The test's own limit ends it. */
  async until(holds: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await holds())) {
      this.throwIfFailed()
      await pause(5)
    }
    this.throwIfFailed()
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Does it until the index answers. */
  async patiently<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work()
      } catch {
        await pause(20)
      }
    }
  }

  /** Everything that was confirmed so far is written down; from now on it is read from there. */
  async readOn(url = this.redis.url): Promise<void> {
    await this.until(() => this.#read())
    if (url === this.#reader.url) return
    await this.#reader.close()
    this.#reader = new JournalReader(url, LAYER, this.history)
  }

  /** Everything that players were told is in what was confirmed, and everything is there once. */
  async check(): Promise<void> {
    await this.readOn(this.#reader.url)
    for (const player of this.players) player.check()
    await audit(this.store, new Map([[LAYER, this.history]]), this.#given)
  }

  /** Nobody does anything any more; who plays goes on asking for a place. */
  quiet(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
  }

  /** Nobody plays any more, either, and what was begun has ended: nothing is written to the index. It must answer. */
  async leave(): Promise<void> {
    this.quiet()
    await Promise.all(this.#working)
    await Promise.all(this.players.map(({ session }) => session.close()))
  }

  async end(): Promise<void> {
    this.quiet()
    await Promise.all(this.players.map(({ session }) => session.close()))
    await Promise.all(this.#hosts.map((host) => host.kill()))
    await this.#reader.close()
    await this.index.close()
    await this.store.close()
    await this.redis.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #begin({ connect, random, characters, hosts }: WorldOptions): Promise<void> {
    await this.patiently(() => this.index.putZone(settings))
    this.#given = await createCharacters(this.store, characters, settings.zone)
    for (let i = 0; i < hosts; i++) this.bear()
    this.#every(SWEEP_EVERY, () => this.#sweep())
    this.#every(READ_EVERY, () => this.#read())
    const shared = { index: this.index, history: this.history, connect, random }
    for (const character of this.#given.characters.keys()) this.players.push(new Player(character, shared))
    this.#every(ACT_EVERY, async () => {
      for (const player of this.players) if (player.session.playing) player.act()
    })
  }

  /** What operator and allocator do all the time. */
  async #sweep(): Promise<void> {
    try {
      await this.index.sweep(FLEET)
      await this.index.placeLayer(FLEET, LAYER)
      if ((await this.index.getZone(settings.zone)) === undefined) await this.index.putZone(settings)
    } catch {
      // The index is away; it is asked again.
    }
  }

  #read(): Promise<boolean> {
    this.#reading = this.#reading
      .then(() => this.#reader.read())
      .catch((error: unknown) => {
        this.#fail(error)
        return false
      })
    return this.#reading
  }

  async #untilRead(through: number): Promise<void> {
    while (this.history.last < through && this.#failure === undefined) await pause(5)
  }

  #every(ms: number, work: () => Promise<unknown>): void {
    let working: Promise<unknown> | undefined
    const timer = setInterval(() => {
      if (working !== undefined) return
      const begun = work()
        .catch((error: unknown) => this.#fail(error))
        .finally(() => {
          working = undefined
          this.#working.delete(begun)
        })
      working = begun
      this.#working.add(begun)
    }, ms)
    this.#timers.push(timer)
  }

  #fail(error: unknown): void {
    this.#failure ??= error
  }

  #note(line: string): void {
    this.lines.push(line)
    if (this.lines.length > 200) this.lines.shift()
  }
}

const settings = smallZone()

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
