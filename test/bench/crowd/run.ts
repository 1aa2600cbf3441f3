import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { CrowdReport } from '../../../client/load/crowd.ts'
import { startPlaces } from '../../../client/load/walk.ts'
import { boundsInMillimetres } from '../../../core/geometry.ts'
import { startRedisServer } from '../../contract/redis-server.ts'
import { CpuMeter, type CpuReport } from '../kit/cpu.ts'
import { type Child, guard, OTHER_CORE, pin, SERVER_CORE, startChild, unguard } from '../kit/pinned.ts'
import type { Door, ServerStart, ServerStarted, ServerUse, Side } from '../kit/side.ts'
import { TICK_RATE, worldFor } from '../kit/world.ts'
import type { Load, LoadStart } from '../load/load.ts'
import { startLoad } from '../load/start.ts'
import type { Game } from './game.ts'

/** What one run at one number of clients gave. */
export interface Run extends CrowdReport {
  readonly side: Side
  readonly generator: Load['by']
  readonly server: CpuReport & ServerUse
}

export interface RunOptions {
  readonly side: Side
  readonly clients: number
  readonly measureMs: number
  readonly seed: number
  /** Others in view of a client. */
  readonly inView?: number
  /** Node's flags for the server, to profile it. */
  readonly serverFlags?: readonly string[] | undefined
  /** The load generator of the client even where the C one could be had. */
  readonly nodeLoad?: boolean
}

const START_LIMIT = 60_000
/** A server that was just filled is given so long to find its pace. Milliseconds. */
const SETTLE = 2_500
const programs: Readonly<Record<Side, string>> = {
  bailiwick: join(import.meta.dirname, 'server.ts'),
  colyseus: join(import.meta.dirname, '..', 'colyseus', 'server.ts'),
}

/** Fills a fresh server of one side with clients, measures for a while, and leaves nothing behind. */
export async function runCrowd(options: RunOptions): Promise<Run> {
  const { side, clients, seed } = options
  const redis = side === 'bailiwick' ? await startRedisServer() : undefined
  const redisPid = redis?.pid
  guard(redisPid)
  if (redisPid !== undefined) pin(redisPid, OTHER_CORE)
  const server = startChild(programs[side], SERVER_CORE, options.serverFlags)
  let load: Load | undefined
  try {
    const bounds = worldFor(clients, options.inView)
    const game: Game = { count: clients, seed, bounds, tickRateHz: TICK_RATE, snapshotEveryMs: 30_000, items: 0 }
    const start: ServerStart = { game, redisUrl: redis?.url ?? '' }
    const { port, doors } = await server.call<ServerStarted>('start', start, START_LIMIT)
    load = await startLoad(crowdOf(options, game, port, doors), options.nodeLoad)
    return await measure(options, server, load)
  } finally {
    await Promise.all([load?.end(), server.end()])
    await redis?.stop()
    unguard(redisPid)
  }
}

function crowdOf({ side, seed }: RunOptions, game: Game, port: number, doors: readonly Door[]): LoadStart {
  const bounds = boundsInMillimetres(game.bounds)
  const places = startPlaces(seed, game.count, bounds)
  return { side, port, bounds, seed, clients: doors.map((door, i) => ({ ...door, start: places[i] ?? bounds.min })) }
}

async function measure({ side, measureMs }: RunOptions, server: Child, load: Load): Promise<Run> {
  await delay(SETTLE)
  const cpu = new CpuMeter(server.pid)
  await server.call('begin', undefined, START_LIMIT)
  cpu.start()
  const report = await load.measure(measureMs)
  const used = cpu.stop()
  const use = await server.call<ServerUse>('end', undefined, START_LIMIT)
  return { ...report, side, generator: load.by, server: { ...used, ...use } }
}
