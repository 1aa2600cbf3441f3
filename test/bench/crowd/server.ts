// The server of bench:crowd: the real zone server over a real Redis and an SQLite store, alone on its core.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { systemClock } from '../../../core/clock.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { EmbeddedGameServer } from '../../../dev/game-server.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { createZoneServer } from '../../../zone-server/create-zone-server.ts'
import { serveCalls } from '../kit/served.ts'
import type { ServerStart, ServerStarted, ServerUse } from '../kit/side.ts'
import { fleetName, fleetNamespace, prepareGame, ticketsFor } from './game.ts'

const SERVED_LIMIT = 15_000
const loop = monitorEventLoopDelay({ resolution: 1 })

serveCalls({
  async start({ game, redisUrl }: ServerStart): Promise<ServerStarted> {
    const index = createRedisIndex({ url: redisUrl, log: silentLog })
    // In memory: a real store is another machine's, and its disk is not what is measured.
    const store = await createSqliteStore({ file: ':memory:' })
    await prepareGame(game, store, index)
    const server = await createZoneServer({
      ...{
        index,
        store,
        log: silentLog,
        clock: systemClock,
        capacity: 1,
        gamePort: 0,
        gameHost: '127.0.0.1',
        node: 'bench',
        fleet: fleetName,
      },
      gameServer: new EmbeddedGameServer({ name: 'host-1', namespace: fleetNamespace, fleet: fleetName }),
      metrics: createMetrics('zone-server'),
      advertise: (port) => `127.0.0.1:${port}`,
    })
    return { port: server.port, doors: await ticketsFor(game, index, SERVED_LIMIT) }
  },
  begin(): void {
    loop.enable()
    loop.reset()
  },
  end(): ServerUse {
    loop.disable()
    return { loopP99: loop.percentile(99) / 1e6, loopMax: loop.max / 1e6, memory: process.memoryUsage.rss() }
  },
})
