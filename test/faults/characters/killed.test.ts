import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { nameKey } from '../../../core/names.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import { UNFINISHED_AFTER } from '../../../core/timing.ts'
import { z } from '../../../core/validate/index.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createMongoStore } from '../../../platform/mongo/index.ts'
import { createTokenSigner, type TokenSigner } from '../../../platform/tokens/index.ts'
import { listCharacters } from '../../../services/characters/life.ts'
import { nameHolder } from '../../../services/characters/name-claims.ts'
import { sweepDue } from '../../../services/characters/sweep.ts'
import { MONGO_BUILD_LIMIT, type MongoServer, startMongo } from '../../contract/mongo-server.ts'
import { type RedisServer, startRedisServer } from '../../contract/redis-server.ts'
import { extent, givenSeed } from '../extent.ts'
import { listeningPorts } from '../listening.ts'
import { randomOf } from '../simulator/random.ts'

/** The service itself, as a process, killed (-9) in the middle of what many players ask of it; then what is left in the store is looked at. */
const main = join(import.meta.dirname, '../../../services/characters/main.ts')
const ROUNDS = extent({ quick: 1, usual: 4, full: 60 })
const PLAYERS = 5
const NAMES = Array.from({ length: 8 }, (_, i) => `Killed${'abcdefgh'[i]}`)

let redis: RedisServer
let mongo: MongoServer
let database: string
let store: Store
let signer: TokenSigner
let jwks: Server

beforeAll(async () => {
  ;[redis, mongo, signer] = await Promise.all([startRedisServer(), startMongo(), createTokenSigner()])
  database = mongo.database()
  store = createMongoStore({ url: mongo.url, database })
  jwks = createServer((_, response) => response.end(JSON.stringify(signer.publicJwks()))).listen(0, '127.0.0.1')
  await once(jwks, 'listening')
}, MONGO_BUILD_LIMIT)

afterAll(async () => {
  jwks.close()
  await store.close()
  await Promise.all([redis.stop(), mongo.remove()])
})

const answered = z.object({ character: z.object({ id: z.string(), name: z.string() }) })

/** One account, and what it was told. */
class Player {
  readonly account: string
  /** Told that it is there, and not asked to go since. */
  readonly promised = new Set<string>()
  /** Signed anew for each round: rounds take longer than it is good for. */
  #token = ''
  #known: string[] = []

  constructor(account: string) {
    this.account = account
  }

  async login(): Promise<void> {
    const { account } = this
    this.#token = (await signer.sign({ account, name: account, session: 's', roles: ['player'] })).accessToken
  }

  async act(url: string, random: () => number): Promise<void> {
    const name = NAMES[Math.floor(random() * NAMES.length)] ?? ''
    const id = this.#known[Math.floor(random() * this.#known.length)]
    const dice = random()
    if (id === undefined || dice < 0.4) {
      const made = await this.#ask(url, 'POST', '', { name }, { 'idempotency-key': randomUUID() })
      if (made !== undefined) {
        this.promised.add(made)
        this.#known.push(made)
      }
    } else if (dice < 0.7) await this.#ask(url, 'PATCH', `/${id}`, { name }, { 'if-match': '*' })
    else {
      this.promised.delete(id)
      this.#known = this.#known.filter((known) => known !== id)
      await this.#ask(url, 'DELETE', `/${id}`, undefined, { 'if-match': '*' })
    }
  }

  async #ask(
    url: string,
    method: string,
    path: string,
    body: object | undefined,
    more: Record<string, string>,
  ): Promise<string | undefined> {
    const headers = { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json', ...more }
    const init = { method, headers, signal: AbortSignal.timeout(20_000), ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
    const response = await fetch(`${url}/v1/characters${path}`, init)
    const answer: unknown = await response.json()
    if (response.ok) return answered.parse(answer).character.id
    expect([404, 409, 503], JSON.stringify(answer)).toContain(response.status)
    return undefined
  }
}

async function startService(): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const env = {
    PATH: process.env['PATH'],
    LOG_LEVEL: 'info',
    PORT: '0',
    INTERNAL_PORT: '0',
    MONGODB_URL: mongo.url,
    MONGODB_DATABASE: database,
    REDIS_URL: redis.url,
    JWKS_URL: `http://127.0.0.1:${(jwks.address() as AddressInfo).port}/`,
    DELETE_GRACE_DAYS: '0',
    NAMES_PER_DAY: '1000000',
  }
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const url = `http://127.0.0.1:${(await listeningPorts(child, ['characters'])).get('characters')}`
    const ready = async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.ok ?? false
    await expect.poll(ready, { timeout: 60_000 }).toBe(true)
    return { child, url }
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
}

/** Everybody acts until the service is killed behind so many acts. */
async function playUntilKilled(players: readonly Player[], random: () => number): Promise<void> {
  const { child, url } = await startService()
  const gone = once(child, 'exit')
  try {
    let left = 10 + Math.floor(random() * 40)
    const all = players.map(async (player) => {
      for (;;) {
        try {
          await player.act(url, random)
        } catch (error) {
          // Its connection broke with the process, in the middle of an act or before the next.
          if (child.killed) return
          throw error
        }
        if (--left === 0) {
          // In the middle of the others' acts, and of its own next one.
          await delay(random() * 20)
          child.kill('SIGKILL')
        }
      }
    })
    await Promise.all(all)
  } finally {
    child.kill('SIGKILL')
    await gone
  }
}

test('a service that is killed leaves no half-made character and no name held by nobody, and forgets none that it told of', async () => {
  const seed = givenSeed ?? Math.floor(Math.random() * 2 ** 31)
  const random = randomOf(seed)
  const players = Array.from({ length: PLAYERS }, (_, i) => new Player(`killed-${i}`))
  for (let round = 1; round <= ROUNDS; round++) {
    for (const player of players) await player.login()
    await playUntilKilled(players, random)
    const at = `BAILIWICK_SEED=${seed}, round ${round}`
    const clock = new ManualClock(Date.now() + UNFINISHED_AFTER + 1_000)
    const deps = { store, clock, limit: 8, deleteGraceMs: 0, namesPerDay: 1, log: silentLog, metrics: createMetrics('sweep') }
    for (let sweeps = 0; (await sweepDue(deps)) > 0; sweeps++) expect(sweeps, at).toBeLessThan(20)
    expect(await store.due('character', clock.now(), 10), at).toEqual([])
    const owners = new Map<string, string>()
    for (const player of players) {
      const { characters } = await listCharacters(deps, player.account)
      for (const { id, record } of characters) {
        expect(record.kind, at).toBe('released')
        expect(owners.has(nameKey(record.name)), `${at}: ${record.name} twice`).toBe(false)
        owners.set(nameKey(record.name), id)
      }
      const ids = new Set(characters.map(({ id }) => id))
      expect(
        [...player.promised].filter((id) => !ids.has(id)),
        at,
      ).toEqual([])
    }
    for (const name of NAMES) expect(await nameHolder(store, name), `${at}: ${name}`).toBe(owners.get(nameKey(name)))
  }
}, 900_000)
