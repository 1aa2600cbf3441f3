// `npm run bench:sizes`: what a zone, a layer, an input, a character takes in Redis and in the store; -- --quick: of a tenth as many.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'
import { chains } from '../../../core/chains.ts'
import { storedCharacter } from '../../../core/character-record.ts'
import type { FleetId, LayerId, ZoneId } from '../../../core/ids.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { encodeBatch } from '../../../zone-server/simulation/batch.ts'
import { startRedisServer } from '../../contract/redis-server.ts'
import { smallZone } from '../../zone-settings.ts'
import { quick, say, writeResult } from '../kit/result.ts'

const COUNT = quick ? 500 : 5_000
/** A layer is played for so long between two snapshots, and the journal goes back to the second-newest. */
const JOURNAL_S = quick ? 6 : 60
const TICK_RATE = 20
/** What a busy client sends in a second. */
const INPUTS_A_SECOND = 10
const CROWDS = [1, 20, 200] as const
const fleet: FleetId = 'game/zone-servers'
const ITEMS = 20

const redis = await startRedisServer()
const index = createRedisIndex({ url: redis.url, log: silentLog })
const client = createClient({ url: redis.url })
await client.connect()
const used = async (): Promise<number> => Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1])

/** What each of `count` takes, in bytes, of Redis' memory. */
async function each(what: string, count: number, work: (i: number) => Promise<unknown>): Promise<number> {
  const before = await used()
  for (let i = 0; i < count; i += 50) await Promise.all(Array.from({ length: Math.min(50, count - i) }, (_, k) => work(i + k)))
  const bytes = ((await used()) - before) / count
  say(`${what}: ${bytes.toFixed(0)} bytes each`)
  return bytes
}

const zoneOf = (i: number): ZoneId => `game/zone-${i}`
const layerOf = (i: number): LayerId => `game/zone-${i}/0`
const characterOf = (i: number): string => `c-${String(i).padStart(20, '0')}`

async function journal(crowd: number): Promise<{ readonly a_second: number; readonly an_input: number }> {
  const layer: LayerId = `game/crowd-${crowd}/0`
  const fence = await index.raiseFence(layer, 1)
  const before = await used()
  let sent = 0
  for (let tick = 1; tick <= JOURNAL_S * TICK_RATE; tick++) {
    const due = Math.floor((tick * crowd * INPUTS_A_SECOND) / TICK_RATE) - sent
    const inputs = Array.from({ length: due }, (_, k) => {
      const i = sent + k
      return {
        source: characterOf(i % crowd),
        sequence: i + 1,
        body: { kind: 'move', vx: ((i * 37) % 8_000) - 4_000, vy: ((i * 91) % 8_000) - 4_000 },
      } as const
    })
    sent += due
    const entry = { epoch: 1, tick, previous: tick - 1, batch: encodeBatch(inputs), digest: tick.toString(16).padStart(16, '0') }
    await index.appendJournal([{ ...entry, layer, fence }])
  }
  const bytes = (await used()) - before
  say(`journal with ${crowd} players: ${(bytes / JOURNAL_S / 1_024).toFixed(1)} KiB a second`)
  return { a_second: bytes / JOURNAL_S, an_input: bytes / sent }
}

async function characterBytes(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'bailiwick-sizes-'))
  const file = join(folder, 'store.sqlite')
  const store = await createSqliteStore({ file, use: 'copy' })
  const inventory = Array.from({ length: ITEMS }, (_, k) => ({ id: `${characterOf(k)}/${k}`, kind: 'stone' }))
  for (let i = 0; i < COUNT; i++) {
    const state = { zone: zoneOf(i), position: { x: 123_456, y: 654_321 }, inventory, inputSequence: i }
    const record = { kind: 'released', account: characterOf(i), name: `Somebody${i}`, createdAt: 1_700_000_000_000, state } as const
    await store.append(chains.character(characterOf(i)), 1, `made-${i}`, storedCharacter(record))
  }
  await store.close()
  const bytes = statSync(file).size / COUNT
  rmSync(folder, { recursive: true })
  return bytes
}

async function placed(of: ZoneIndex): Promise<number> {
  for (let h = 0; h * 100 < COUNT; h++)
    await of.registerHost(fleet, {
      name: `host-${h}`,
      incarnation: 'a',
      node: `node-${h}`,
      endpoints: [`10.0.0.1:${7_000 + h}`],
      capacity: 100,
    })
  return each('a layer that was placed', COUNT, (i) => of.placeLayer(fleet, layerOf(i)))
}

try {
  const zone = await each('a zone', COUNT, (i) => index.putZone(smallZone({ zone: zoneOf(i), uid: `uid-${i}` })))
  const layer = await placed(index)
  const fence = await each('the fence of a layer', COUNT, (i) => index.raiseFence(layerOf(i), 3))
  const location = await each('where a character is', COUNT, (i) =>
    index.setLocation(characterOf(i), 3, { state: 'InZone', account: characterOf(i), zone: zoneOf(i), layer: layerOf(i) }),
  )
  const journals: { readonly crowd: number; readonly a_second: number; readonly an_input: number }[] = []
  for (const crowd of CROWDS) journals.push({ crowd, ...(await journal(crowd)) })
  const character = await characterBytes()
  writeResult({
    name: 'sizes',
    metrics: [
      { metric: 'Redis, settings of a zone', value: zone, unit: 'bytes' },
      { metric: 'Redis, a layer that was ever placed', value: layer, unit: 'bytes' },
      { metric: 'Redis, the fence of a layer', value: fence, unit: 'bytes' },
      { metric: 'Redis, where a character is', value: location, unit: 'bytes' },
      ...journals.flatMap(({ crowd, a_second, an_input }) => [
        { metric: `Redis, journal of a layer with ${crowd} players`, value: a_second / 1_024, unit: 'KiB a second' },
        { metric: `Redis, an input of ${crowd} players`, value: an_input, unit: 'bytes' },
      ]),
      { metric: `store (SQLite), a character with ${ITEMS} items`, value: character, unit: 'bytes' },
    ],
    series: journals,
    notes: [
      `${COUNT} of each; ${TICK_RATE} ticks a second, ${INPUTS_A_SECOND} moves a second from each player; the journal is what is kept since the second-newest snapshot`,
      'Redis: used_memory before and after; its AOF on the disk is not in it',
    ],
  })
} finally {
  client.destroy()
  await index.close()
  await redis.stop()
}
