import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chains } from '../../../core/chains.ts'
import { storedCharacter } from '../../../core/character-record.ts'
import type { LayerId } from '../../../core/ids.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { type RedisServer, startRedisServer } from '../../contract/redis-server.ts'
import { TestClient } from '../../unit/zone-server/test-client.ts'
import { smallZone } from '../../zone-settings.ts'
import { type Harm, POISON, type StuckOrder } from './stuck-process.ts'

const LAYER: LayerId = 'game/meadow/0'
const FLEET = 'game/zone-servers'
const ACCOUNT = 'account-1'
const ADA = 'ada'
/** Nobody is taken for dead because the machine is busy, and tries follow at once. */
const timing = { hostDeadAfter: 60_000, claimDeadline: 60_000, claimLimit: 60_000, failedLayerWaitMin: 10, failedLayerWaitMax: 20 }
const LIMIT = 300_000

let redis: RedisServer
let folder: string
let index: ZoneIndex
let sweeping: NodeJS.Timeout
let hosts: { readonly name: string; readonly child: ChildProcess; said: string }[]
let clients: TestClient[]

beforeEach(async () => {
  hosts = []
  clients = []
  folder = await mkdtemp(join(tmpdir(), 'bailiwick-stuck-'))
  redis = await startRedisServer()
  index = createRedisIndex({ url: redis.url, log: silentLog, timing })
  await index.putZone(smallZone())
  const store = await createSqliteStore({ file: join(folder, 'store.db') })
  const state = { zone: null, position: null, inventory: [], inputSequence: 0 }
  await store.append(
    chains.character(ADA),
    1,
    randomUUID(),
    storedCharacter({ kind: 'released', account: ACCOUNT, name: 'Ada', createdAt: 0, state }),
  )
  await store.close()
  sweeping = setInterval(() => void index.sweep(FLEET).catch(() => undefined), 100)
})

afterEach(async () => {
  clearInterval(sweeping)
  for (const client of clients) client.cut()
  await Promise.all(hosts.map(({ child }) => ended(child, 'SIGKILL')))
  await index.close()
  await redis.stop()
  await rm(folder, { recursive: true, force: true })
})

function startHost(harm: Harm): (typeof hosts)[number] {
  const order: StuckOrder = { name: `host-${hosts.length + 1}`, redis: redis.url, storeFile: join(folder, 'store.db'), harm, timing }
  const child = fork(join(import.meta.dirname, 'stuck-process.ts'), [JSON.stringify(order)], {
    execArgv: ['--disable-warning=ExperimentalWarning', '--max-old-space-size=512'],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const host = { name: order.name, child, said: '' }
  child.stdout?.on('data', (text: Buffer) => {
    host.said += text.toString()
  })
  hosts.push(host)
  return host
}

async function ended(child: ChildProcess, signal?: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'close')
  if (signal !== undefined) child.kill(signal)
  await gone
}

/** Comes in and says it; resolves when it was sent. */
async function say(text: string): Promise<TestClient> {
  for (;;) {
    const ticket = randomUUID()
    const view = await index.joinLayer(FLEET, LAYER, { id: ticket, account: ACCOUNT, character: ADA, ttlMs: 60_000 })
    if (!view.ticketed) {
      await delay(20)
      continue
    }
    const client = await TestClient.connect(view.endpoints[0] ?? '', 'tcp')
    clients.push(client)
    client.hello(LAYER, ticket)
    await client.welcome()
    client.input({ case: 'say', value: { text } })
    return client
  }
}

/** The host has ended itself, and said why; the index knows that its pod is gone. */
async function endedItself(host: (typeof hosts)[number]): Promise<void> {
  await ended(host.child)
  expect([host.child.signalCode, host.said]).toEqual(['SIGKILL', expect.stringContaining('a tick of a layer does not end')])
  expect(host.said).toContain(`"layer":"${LAYER}"`)
  await index.removeHost(FLEET, host.name)
}

describe('a tick that does not end', () => {
  for (const harm of ['loop', 'fill'] as const) {
    it(`in play (${harm}) is told of by the name of its layer, which is quarantined when it comes again and again`, {
      timeout: LIMIT,
    }, async () => {
      for (let time = 1; time <= 3; time++) {
        const host = startHost(harm)
        await say(POISON)
        await endedItself(host)
      }
      expect(await index.getLayer(FLEET, LAYER)).toMatchObject({ state: 'Quarantined', failure: expect.stringContaining('did not end') })
    })
  }

  it('that was confirmed, and that each host comes upon again, quarantines the layer', { timeout: LIMIT }, async () => {
    const well = startHost('none')
    const client = await say(POISON)
    await client.next('said')
    await ended(well.child, 'SIGKILL')
    const next = [startHost('loop')]
    await index.removeHost(FLEET, well.name)
    for (let time = 1; time <= 3; time++) {
      const host = next.at(-1)
      if (host !== undefined) await endedItself(host)
      expect(host?.said).toContain('"replayed":true')
      if (time < 3) next.push(startHost('loop'))
    }
    expect(await index.getLayer(FLEET, LAYER)).toMatchObject({ state: 'Quarantined', failure: expect.stringContaining('did not end') })
  })
})
