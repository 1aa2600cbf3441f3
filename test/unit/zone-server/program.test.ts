import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { chains } from '../../../core/chains.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import { createMongoStore } from '../../../platform/mongo/index.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import { compiledBefore } from '../../compiled.ts'
import { MONGO_BUILD_LIMIT, type MongoServer, startMongo } from '../../contract/mongo-server.ts'
import { type RedisServer, startRedisServer } from '../../contract/redis-server.ts'
import { freePorts } from '../../free-port.ts'
import { type SidecarDouble, startSidecar } from '../agones/sidecar-double.ts'
import { TestClient } from './test-client.ts'
import { ACCOUNT, FLEET, LAYER, pause, until, ZONE, zone } from './world-kit.ts'

const main = join(import.meta.dirname, '../../../zone-server/main.ts')

interface Process {
  readonly child: ChildProcess
  readonly lines: string[]
  readonly httpPort: number
  readonly sidecar: SidecarDouble
}

let redis: RedisServer
let mongo: MongoServer
let database: string
let index: ZoneIndex
let store: Store
const processes: Process[] = []
const clients: TestClient[] = []

beforeAll(async () => {
  ;[redis, mongo] = await Promise.all([startRedisServer(), startMongo()])
  index = createRedisIndex({ url: redis.url, log: silentLog })
  database = mongo.database()
  store = createMongoStore({ url: mongo.url, database })
  await index.putZone(zone({ snapshotEveryMs: 100 }))
  const data = { account: ACCOUNT, name: 'Ada', createdAt: 1, state: { zone: null, position: null, inventory: [], inputSequence: 0 } }
  await store.append(chains.character('ada'), 1, randomUUID(), { kind: 'released', data })
}, MONGO_BUILD_LIMIT)

afterEach(async () => {
  for (const client of clients.splice(0)) client.cut()
  for (const { child, sidecar } of processes.splice(0)) {
    child.kill('SIGKILL')
    await sidecar.close()
  }
})

afterAll(async () => {
  await index.close()
  await store.close()
  await redis.stop()
  await mongo.remove()
})

/** The zone server as it runs in a pod, but for the sidecar. */
async function start(): Promise<Process> {
  const [gamePort = 0, httpPort = 0] = await freePorts(2)
  const sidecar = await startSidecar(0, { address: '127.0.0.1', port: gamePort })
  const env = {
    PATH: process.env['PATH'] ?? '',
    ...compiledBefore,
    PORT: String(httpPort),
    GAME_PORT: String(gamePort),
    // So short that it waits for no other host.
    GRACE_SECONDS: '30',
    REDIS_URL: redis.url,
    MONGODB_URL: mongo.url,
    MONGODB_DATABASE: database,
    AGONES_SDK_GRPC_PORT: sidecar.port,
    NODE_NAME: 'node-1',
  }
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => lines.push(...String(chunk).split('\n')))
  const started = { child, lines, httpPort, sidecar }
  processes.push(started)
  return started
}

/** Joins as a client does: again and again until somebody lets it in. */
async function joinAsAda(): Promise<TestClient> {
  for (;;) {
    await index.sweep(FLEET)
    const ticket = randomUUID()
    const view = await index.joinLayer(FLEET, LAYER, { id: ticket, account: ACCOUNT, character: 'ada', ttlMs: 15_000 })
    try {
      if (view.ticketed) {
        const client = await TestClient.connect(view.endpoints[0] ?? '', 'websocket')
        clients.push(client)
        client.hello(LAYER, ticket)
        await client.welcome()
        return client
      }
    } catch {
      // The host that served it is gone, and the index does not know yet.
    }
    await pause(50)
  }
}

describe('the program', () => {
  it('serves, is killed, is replaced with all that was in the last snapshot, stops on SIGTERM with exit code 0', async () => {
    const first = await start()
    const ada = await joinAsAda()
    const sequence = ada.input({ case: 'drop', value: { item: 'ada/1' } })
    await ada.next('inventory')
    await ada.until((client) => client.states.at(-1)?.acknowledged === sequence)
    const { tick = 0, epoch = 0 } = ada.states.at(-1) ?? {}
    await until(async () => Number((await store.head(chains.layer(LAYER)))?.data['tick']) > tick)
    const metrics = await (await fetch(`http://127.0.0.1:${first.httpPort}/metrics`)).text()
    expect(metrics).toMatch(/^bailiwick_players\{.*\} 1$/m)
    expect((await fetch(`http://127.0.0.1:${first.httpPort}/livez`)).status).toBe(200)
    first.child.kill('SIGKILL')

    const second = await start()
    const again = await joinAsAda()
    await again.until((client) => client.find('lantern') !== undefined && client.states.length > 0)
    expect(again.states[0]?.epoch).toBeGreaterThan(epoch)
    expect(again.states[0]?.acknowledged).toBe(sequence)

    const exited = once(second.child, 'exit')
    second.child.kill('SIGTERM')
    expect(await again.next('redirect')).toMatchObject({ reason: 'Drain' })
    expect(await exited).toEqual([0, null])
    expect(second.sidecar.calls).toEqual(['ready', 'allocate', 'shutdown'])
    expect(await store.head(chains.layer(LAYER))).toMatchObject({ kind: 'close' })
    expect(await store.head(chains.character('ada'))).toMatchObject({ kind: 'released', data: { state: { zone: ZONE, inventory: [] } } })
    expect([...first.lines, ...second.lines].filter((line) => /"level":"error"/.test(line))).toEqual([])
  }, 240_000)

  it('that ends because its game server does leaves the end of its process to whoever deletes the pod', async () => {
    // Whoever was in before is waited for no more: this host is to be empty.
    await index.requestClose(FLEET, LAYER, 'Suspend')
    const { child, lines } = await start()
    const says = (event: string): boolean => lines.some((line) => line.includes(`"event":"${event}"`))
    await until(() => says('registered'))
    await index.drainHost(FLEET, (await index.fleetView(FLEET)).hosts.find(({ state }) => state === 'Ready')?.name ?? '')
    await until(() => says('stopped listening'))
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
    await until(() => says('asked to stop'))
  }, 240_000)

  it('says what is wrong with its configuration and ends with exit code 1', async () => {
    const child = spawn(process.execPath, [main], {
      env: { PATH: process.env['PATH'] ?? '', ...compiledBefore, CAPACITY: 'many' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => {
      said += String(chunk)
    })
    const [code] = await once(child, 'exit')
    expect(code).toBe(1)
    expect(said).toContain('REDIS_URL')
    expect(said).toContain('CAPACITY')
  })
})
