import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from '../../../core/validate/index.ts'
import { kindOf, kinds, SlowCrowd } from '../../bench/slow/crowd.ts'
import { askHonestly, percentile, type Question } from '../../bench/slow/honest.ts'
import { MONGO_BUILD_LIMIT, type MongoServer, startMongo } from '../../contract/mongo-server.ts'
import { type RedisServer, startRedisServer } from '../../contract/redis-server.ts'
import { extent } from '../extent.ts'
import { listeningPorts } from '../listening.ts'

/** Auth and characters as they run, and thousands of connections that only want to be there. */
const SIZE = extent({ quick: 200, usual: 600, full: 5_000 })
/** Twice the longest that a connection may take for a request, and a busy machine. */
const ALL_ENDED = 90_000
/** For so long a request that the machine does not get to is repeated, ms. */
const PATIENCE = 60_000
/** Others, who wait for their answers: what a busy machine and a small store can do is not what is asked here. */
const AT_ONCE = 4
const folder = mkdtempSync(join(tmpdir(), 'bailiwick-slow-'))
const keyFile = join(folder, 'key.pem')
const running: ChildProcess[] = []

let redis: RedisServer
let mongo: MongoServer
let database: string

beforeAll(async () => {
  writeFileSync(keyFile, generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }))
  ;[redis, mongo] = await Promise.all([startRedisServer(), startMongo()])
  database = mongo.database()
}, MONGO_BUILD_LIMIT)

afterAll(async () => {
  const ends = running.map((child) => (child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined))
  for (const child of running) child.kill('SIGKILL')
  await Promise.all(ends)
  await Promise.all([redis?.stop(), mongo?.remove()])
  rmSync(folder, { recursive: true, force: true })
})

interface Service {
  readonly pid: number
  readonly port: number
  readonly internal: number
}

async function start(name: 'auth' | 'characters', more: Readonly<Record<string, string>>): Promise<Service> {
  const main = join(import.meta.dirname, `../../../services/${name}/main.ts`)
  const ports = { PORT: '0', INTERNAL_PORT: '0' }
  const stores = { MONGODB_URL: mongo.url, MONGODB_DATABASE: database, REDIS_URL: redis.url }
  const env = { PATH: process.env['PATH'], LOG_LEVEL: 'info', ...ports, ...stores, ...more }
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  running.push(child)
  const listening = await listeningPorts(child, [name, `${name}-internal`])
  const service = { pid: child.pid ?? 0, port: listening.get(name) ?? 0, internal: listening.get(`${name}-internal`) ?? 0 }
  const ready = async () => (await fetch(`http://127.0.0.1:${service.port}/readyz`).catch(() => undefined))?.ok ?? false
  await expect.poll(ready, { timeout: 60_000 }).toBe(true)
  return service
}

/** Repeats with one key what was refused with 503: on a busy machine nobody knows whether it was done. */
async function post(port: number, path: string, body: object, token?: string): Promise<unknown> {
  const headers = {
    ...{ 'content-type': 'application/json', 'idempotency-key': randomUUID() },
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
  const end = performance.now() + PATIENCE
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    const text = await answer.text()
    if (answer.status === 503 && performance.now() < end) {
      await pause(500)
      continue
    }
    expect(answer.ok, `${path}: ${answer.status} ${text}`).toBe(true)
    return JSON.parse(text)
  }
}

const session = z.object({ account: z.object({ id: z.string() }), accessToken: z.string() })

/** Files that the process has open, sockets among them. */
const openFiles = ({ pid }: Service): number => readdirSync(`/proc/${pid}/fd`).length
/** Resident memory, MiB. */
const memory = ({ pid }: Service): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024

async function connections({ internal }: Service, app: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${internal}/metrics`)).text()
  return Number(new RegExp(`^http_connections\\{app="${app}"[^}]*\\} (\\d+)`, 'm').exec(text)?.[1])
}

test('thousands of slow connections: others are served, and each is ended when its time is over', async () => {
  const auth = await start('auth', { SIGNING_KEY_FILE: keyFile })
  const characters = await start('characters', { JWKS_URL: `http://127.0.0.1:${auth.port}/.well-known/jwks.json` })
  const who = { name: 'Slow_Ann', password: 'a pass word of hers' }
  await post(auth.port, '/v1/accounts', who)
  const { accessToken: token } = session.parse(await post(auth.port, '/v1/sessions', who))
  await post(characters.port, '/v1/characters', { name: 'Slowhand' }, token)
  const questions: readonly Question[] = [
    { port: auth.port, path: '/v1/accounts/current', token, holds: who.name },
    { port: characters.port, path: '/v1/characters', token, holds: 'Slowhand' },
  ]
  const services = [auth, characters]
  await askHonestly(questions, { ms: 1_000, atOnce: AT_ONCE })
  const before = await askHonestly(questions, { ms: 5_000, atOnce: AT_ONCE })
  const files = services.map(openFiles)
  const crowd = new SlowCrowd({ ports: services.map(({ port }) => port), size: SIZE, comesBack: false, perSecond: 625 })
  const over = new AbortController()
  try {
    const asking = askHonestly(questions, { signal: over.signal, atOnce: AT_ONCE })
    await crowd.begin()
    expect(crowd.connected).toBe(SIZE)
    const held = [await connections(auth, 'auth'), await connections(characters, 'characters')]
    const used = services.map(memory)
    await expect.poll(() => crowd.size, { timeout: ALL_ENDED }).toBe(0)
    over.abort()
    const meanwhile = await asking
    expect([...before.wrong, ...meanwhile.wrong]).toEqual([])
    expect(before.took.length * meanwhile.took.length).toBeGreaterThan(0)
    // Refused is who comes to a store that does not keep up, with the crowd and without.
    expect(meanwhile.took.length).toBeGreaterThan(meanwhile.refused)
    const came = Array.from({ length: SIZE }, (_, k) => kindOf(k))
    const each = kinds.map((kind) => [kind, came.filter((other) => other === kind).length])
    expect(crowd.ended).toEqual(Object.fromEntries(each))
    // Nothing of them is left.
    for (const [at, service] of services.entries()) await expect.poll(() => openFiles(service)).toBeLessThan((files[at] ?? 0) + 60)
    const p99 = [before, meanwhile].map(({ took }) => percentile(took, 0.99).toFixed(1))
    console.info(
      `${SIZE} slow connections (held: ${held.join(' and ')}; ${used.map(Math.round).join(' and ')} MiB): p99 of others ${p99[0]} ms before, ${p99[1]} ms meanwhile; refused ${before.refused} and ${meanwhile.refused}`,
    )
  } finally {
    over.abort()
    crowd.end()
  }
}, 900_000)
