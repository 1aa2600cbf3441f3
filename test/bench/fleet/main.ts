// `npm run bench:fleet`: 1,000 to 10,000 Zones on a real API server, and the operator as it is shipped on a core of its own.
import { setTimeout as delay } from 'node:timers/promises'
import { silentLog } from '../../../core/ports/log-port.ts'
import { RESYNC_SETTLED_EVERY } from '../../../core/timing.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { startApiServer } from '../../api-server/server.ts'
import { startRedisServer } from '../../contract/redis-server.ts'
import { CpuMeter } from '../kit/cpu.ts'
import { guard, OTHER_CORE, pin, pinned, SERVER_CORE, startChild } from '../kit/pinned.ts'
import { quick, say } from '../kit/result.ts'
import { cpuOf, memoryOf, type OperatorProcess, startOperator } from './operator-process.ts'
import { comeAndGo } from './players.ts'
import { ratesOf } from './rates.ts'
import { measureReaction } from './reaction.ts'
import { type Play, type Point, report } from './report.ts'
import { StatusWatch } from './status-watch.ts'
import { makeFleets, makeZones } from './zones.ts'

/** `-- --zones 2500` measures this number alone, with the times of a whole run. */
const asked = process.argv.indexOf('--zones')
const COUNTS = asked > 0 ? [Number(process.argv[asked + 1])] : quick ? [250, 1_000] : [1_000, 2_500, 5_000, 10_000]
const IDLE_SECONDS = quick ? 5 : 20
/** With the most zones: so long that each of them is looked at once more, though nothing has changed. */
const REST_SECONDS = quick ? 5 : RESYNC_SETTLED_EVERY / 1_000
const CHANGES = quick ? 50 : 300
const PLAY_SECONDS = quick ? 15 : 90
const LAST = COUNTS.at(-1) ?? 0
/** Zones with somebody in while players come and go. */
const AWAKE = LAST / 10
const WAIT = 600_000

pin(process.pid, OTHER_CORE)
const begun = performance.now()
say('etcd, kube-apiserver, Redis')
const audit = [
  { group: 'bailiwick.dev', resource: 'zones/status' },
  { group: '', resource: 'events' },
]
const server = await startApiServer({ prefix: pinned(OTHER_CORE, []), say, audit, keepRevisions: true })
for (const pid of Object.values(server.pids)) guard(pid)
const redis = await startRedisServer()
guard(redis.pid)
if (redis.pid !== undefined) pin(redis.pid, OTHER_CORE)
const index = createRedisIndex({ url: redis.url, log: silentLog })
const api = server.client()
const statuses = new StatusWatch(api)
let restarts = 0
try {
  await makeFleets(server, api)
  await statuses.synced
  const points: Point[] = []
  let made = 0
  for (const zones of COUNTS) {
    say(`${zones} zones`)
    const began = performance.now()
    await makeZones(api, made, zones)
    const madeMs = performance.now() - began
    const fresh = zones - made
    made = zones
    points.push({ ...(await measure(zones, fresh)), madeMs })
  }
  report(points, await play(), restarts)
  say(`took ${((performance.now() - begun) / 60_000).toFixed(1)} min`)
} finally {
  statuses.stop()
  api.close()
  await index.close()
  await redis.stop()
  await server.stop()
}

async function measure(zones: number, fresh: number): Promise<Omit<Point, 'madeMs'>> {
  // The first start finds zones that were never seen: finalizers and settings are written, and statuses at their budget.
  const first = await startOperator(server, redis.url)
  const settings = settingsCount()
  await first.poll('settings of every zone in the index', async () => (await settings()) === zones)
  const firstMs = first.age()
  say(`settings of ${fresh} new zones: ${(firstMs / 1_000).toFixed(1)} s`)
  await first.poll('every status', async () => statuses.current.size === zones)
  say(`their statuses: ${(first.age() / 1_000).toFixed(1)} s`)
  restarts += first.restarts
  await first.stop()
  // The second finds everything as it is to be.
  const operator = await startOperator(server, redis.url)
  await operator.poll('every zone to be looked at', async () => (await operator.metric('bailiwick_reconciles_total')) >= zones)
  const started = { startMs: operator.age(), startCpuMs: cpuOf(operator.pid) }
  say(`started anew: ${(started.startMs / 1_000).toFixed(1)} s, ${(started.startCpuMs / 1_000).toFixed(1)} s of CPU`)
  const point = { zones, fresh, firstMs, ...started, ...(await atRest(operator, zones)), ...(await bare()) }
  await operator.stop()
  return point
}

/** Counts the zones in the index by what is new there: reading all of them again and again would be a load of its own. */
function settingsCount(): () => Promise<number> {
  const known = new Set<string>()
  let position: string | undefined
  return async () => {
    const news = await index.zoneNews(position)
    position = news.position
    for (const { zone } of news.settings) known.add(zone)
    return known.size
  }
}

async function atRest(
  operator: OperatorProcess,
  zones: number,
): Promise<Pick<Point, 'idleCpu' | 'restCpu' | 'memory' | 'peak' | 'settings' | 'status'>> {
  await delay(3_000)
  const meter = new CpuMeter(operator.pid)
  await delay(IDLE_SECONDS * 1_000)
  const idleCpu = meter.stop().cpu
  const rest = zones === LAST ? REST_SECONDS - IDLE_SECONDS : 0
  await delay(rest * 1_000)
  const restCpu = meter.stop().cpu
  const reaction = await measureReaction(api, index, statuses, zones, CHANGES)
  const { now, peak } = memoryOf(operator.pid)
  say(
    `at rest ${(idleCpu * 100).toFixed(2)}% of a core, over ${IDLE_SECONDS + rest} s ${(restCpu * 100).toFixed(2)}%, ${now.toFixed(0)} MB (peak ${peak.toFixed(0)})`,
  )
  return { idleCpu, restCpu, memory: now, peak, ...reaction }
}

/** A list and a watch of the same zones with nothing behind, on the same core, while the operator rests. */
async function bare(): Promise<Pick<Point, 'bareMs' | 'bareCpuMs' | 'bareMemory' | 'bareIdleCpu'>> {
  process.env['KUBECONFIG'] = server.kubeconfig
  const begun = performance.now()
  const child = startChild(new URL('./bare.ts', import.meta.url).pathname, SERVER_CORE)
  await child.call('start', undefined, WAIT)
  const bareMs = performance.now() - begun
  const bareCpuMs = cpuOf(child.pid)
  await delay(2_000)
  const meter = new CpuMeter(child.pid)
  await delay(IDLE_SECONDS * 1_000)
  const found = { bareMs, bareCpuMs, bareMemory: memoryOf(child.pid).now, bareIdleCpu: meter.stop().cpu }
  await child.end()
  return found
}

/** Players come and go in the largest number of zones. */
async function play(): Promise<Play> {
  const operator = await startOperator(server, redis.url)
  await operator.poll('every zone to be looked at', async () => (await operator.metric('bailiwick_reconciles_total')) >= LAST)
  const store = await createSqliteStore({ file: ':memory:' })
  try {
    const since = Date.now()
    const before = await server.etcd()
    const meter = new CpuMeter(operator.pid)
    const joins = await comeAndGo({ api, index, store }, LAST, AWAKE, PLAY_SECONDS)
    const after = await server.etcd()
    const cpu = meter.stop().cpu
    const written = server.audited()
    const statusWrites = { ...ratesOf(written, 'zones/status', since), mostEver: ratesOf(written, 'zones/status', 0).most }
    const events = ratesOf(written, 'events', since)
    const waiting = await operator.metric('bailiwick_status_writes_waiting')
    const grown = { usedBefore: before.used, used: after.used - before.used, revisions: after.revision - before.revision }
    return { seconds: PLAY_SECONDS, joins, statusWrites, events, waiting, cpu, memory: memoryOf(operator.pid).now, ...grown }
  } finally {
    await operator.stop()
    await store.close()
  }
}
