import { systemClock } from '../core/clock.ts'
import { describeError } from '../core/errors.ts'
import { HOST_STOP_RESERVE, POD_DELETION_WAIT, POD_GRACE } from '../core/timing.ts'
import type { z } from '../core/validate/index.ts'
import { createAgonesGameServer } from '../platform/agones/index.ts'
import { variables } from '../platform/config/index.ts'
import { createHttpApp, runProgram, serve } from '../platform/http/index.ts'
import { createMetrics, measuredStore } from '../platform/metrics/index.ts'
import { createMongoStore } from '../platform/mongo/index.ts'
import { createRedisIndex } from '../platform/redis/redis-index.ts'
import { createZoneServer } from './create-zone-server.ts'
import { startMemoryWatch } from './watchdog/memory-watch.ts'
import { startWatchdog } from './watchdog/watchdog.ts'

const shape = {
  /** /livez and /metrics. */
  // Not 8080: Agones' sidecar answers its health probe there, in the same pod.
  PORT: variables.port(8000),
  GAME_PORT: variables.port(7654),
  REDIS_URL: variables.url('redis', 'rediss'),
  MONGODB_URL: variables.url('mongodb', 'mongodb+srv'),
  MONGODB_DATABASE: variables.text('the name of a database').default('bailiwick'),
  CAPACITY: variables.count(1, 100, 4),
  FLEET: variables.text('the name of a fleet').optional(),
  /** What the pod is given after SIGTERM before it is killed. */
  GRACE_SECONDS: variables.count(20, 3_600, POD_GRACE / 1_000),
  NODE_NAME: variables.text('the name of the node').default('unknown'),
} satisfies z.ZodRawShape

runProgram('zone-server', shape, async ({ config, log }) => {
  const metrics = createMetrics('zone-server')
  const index = createRedisIndex({ url: config.REDIS_URL, log })
  const store = measuredStore(createMongoStore({ url: config.MONGODB_URL, database: config.MONGODB_DATABASE }), metrics)
  // Connected while Agones makes this a game server, not when somebody waits for a first layer. What fails now is tried again then.
  store.ping().catch((error: unknown) => log.info({ detail: describeError(error) }, 'the store is not reached yet'))
  const gameServer = createAgonesGameServer({ log })
  const server = await createZoneServer({
    ...{ index, store, gameServer, log, metrics, clock: systemClock },
    capacity: config.CAPACITY,
    gamePort: config.GAME_PORT,
    node: config.NODE_NAME,
    stopWithinMs: config.GRACE_SECONDS * 1_000 - HOST_STOP_RESERVE,
    ...(config.FLEET === undefined ? {} : { fleet: config.FLEET }),
  })
  const watchdog = startWatchdog(config.REDIS_URL, log)
  const memoryWatch = startMemoryWatch(log)
  const app = createHttpApp({
    ...{ name: 'zone-server', log, metrics },
    ready: async () => {
      await index.ping()
      await store.ping()
    },
  })
  const http = await serve(app, { port: config.PORT, log, drainMs: 0 })
  const closeAdapters = async (): Promise<void> => {
    memoryWatch.stop()
    await Promise.allSettled([watchdog.stop(), http.close(), gameServer.close(), index.close(), store.close()])
  }
  return {
    done: server.done,
    lingerMs: POD_DELETION_WAIT,
    stopLimitMs: config.GRACE_SECONDS * 1_000,
    async close() {
      await server.close()
      await closeAdapters()
    },
  }
})
