// `npm run bench:wake`: joins of sleeping zones on a warm host until the first state frame; -- --quick: fewer.
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { chains } from '../../../core/chains.ts'
import { storedCharacter } from '../../../core/character-record.ts'
import type { FleetId, ZoneId } from '../../../core/ids.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { startRedisServer } from '../../contract/redis-server.ts'
import { smallZone } from '../../zone-settings.ts'
import { guard, OTHER_CORE, SERVER_CORE, startChild, temporaryFolder } from '../kit/pinned.ts'
import { median, quick, say, writeResult } from '../kit/result.ts'
import { plot } from '../kit/svg.ts'
import { type Door, Notices, STEPS, type Wake, wake } from './wake.ts'

const WAKES = quick ? 60 : 400
/** The first ones compile the code, and are not counted. */
const WARM_UP = 20
const GOAL_P50 = 10
const GOAL_P99 = 50
const START_LIMIT = 30_000
const ACCOUNT = 'account-1'
const [namespace, fleetName] = ['game', 'bench']
const fleet: FleetId = `${namespace}/${fleetName}`

const redis = await startRedisServer()
guard(redis.pid)
const storeFile = join(temporaryFolder, 'store.db')
const store = await createSqliteStore({ file: storeFile })
const index = createRedisIndex({ url: redis.url, log: silentLog })
const zones = Array.from({ length: WAKES + WARM_UP }, (_, n): ZoneId => `${namespace}/zone-${n}`)
for (const [n, zone] of zones.entries()) {
  await index.putZone(smallZone({ zone, uid: `uid-${n}`, fleet, activation: 'OnDemand', idleAfterMs: 500 }))
  const state = { zone, position: { x: 2_000, y: 2_000 }, inventory: [], inputSequence: 0 }
  const record = { kind: 'released', account: ACCOUNT, name: `Somebody${n}`, createdAt: 0, state } as const
  await store.append(chains.character(`character-${n}`), 1, `made ${n}`, storedCharacter(record))
}

const host = startChild(join(import.meta.dirname, 'host.ts'), SERVER_CORE)
const allocator = startChild(join(import.meta.dirname, 'allocator.ts'), OTHER_CORE)
await host.call('start', { redisUrl: redis.url, storeFile, namespace, fleet: fleetName }, START_LIMIT)
const { port, accessToken } = await allocator.call<{ port: number; accessToken: string }>(
  'start',
  { redisUrl: redis.url, account: ACCOUNT },
  START_LIMIT,
)
const door: Door = { url: `http://127.0.0.1:${port}`, accessToken }
const notices = new Notices()
const over = new AbortController()
await notices.watch(index, fleet, over.signal)

const wakes: Wake[] = []
for (const [n, zone] of zones.entries()) {
  const one = await wake(door, zone, `character-${n}`, notices)
  if (n >= WARM_UP) wakes.push(one)
  // Not in step with the ticks of layers that are awake, nor all at once.
  await delay(20 + Math.random() * 30)
}
over.abort()
await Promise.all([host.end(), allocator.end()])
await index.close()
await store.close()
await redis.stop()
say(`${wakes.length} wakes`)

function quantile(share: number, of: (wake: Wake) => number): number {
  const sorted = wakes.map(of).toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}
const whole = (wake: Wake): number => wake.whole
const [p50, p99] = [quantile(0.5, whole), quantile(0.99, whole)]
writeResult(
  {
    name: 'wake',
    metrics: [
      { metric: 'join of a sleeping zone to its first state frame, p50', value: p50, unit: 'ms', goal: GOAL_P50, met: p50 <= GOAL_P50 },
      { metric: 'join of a sleeping zone to its first state frame, p99', value: p99, unit: 'ms', goal: GOAL_P99, met: p99 <= GOAL_P99 },
      ...STEPS.map((step) => ({ metric: `of it, ${step}, median`, value: median(wakes.map((wake) => wake[step])), unit: 'ms' })),
    ],
    series: wakes,
    notes: [
      'placed: request to assignment; heard: to the host’s Claiming; claimed: to its Serving; answered: to the ticket; connected: TCP; seen: hello to the first state frame',
      'zone server alone on core 0; allocator, Redis and the client on core 1; store: SQLite in a file',
      ...(quick ? ['quick: fewer wakes'] : []),
    ],
  },
  plot([
    {
      ...{ title: 'Wakes that were over within', x: 'ms', y: '% of wakes' },
      lines: ['whole' as const, 'claimed' as const, 'seen' as const].map((part) => ({
        name: part,
        points: Array.from({ length: 41 }, (_, n): readonly [number, number] => [quantile(n / 41, (wake) => wake[part]), (n / 41) * 100]),
      })),
      levels: [{ name: 'half', y: 50 }],
    },
  ]),
)
