import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../core/clock.ts'
import { describeError } from '../core/errors.ts'
import { type FleetId, parsePair } from '../core/ids.ts'
import { EMBEDDED_STOP_LIMIT } from '../core/timing.ts'
import { createLog, type LogLevel } from '../platform/log/index.ts'
import { createMetrics } from '../platform/metrics/index.ts'
import { createSqliteStore } from '../platform/sqlite/index.ts'
import { createZoneServer } from '../zone-server/create-zone-server.ts'
import { EmbeddedGameServer } from './game-server.ts'
import { connectIndex } from './remote-index.ts'

/** What the main thread gives a host. */
export interface HostWorkerData {
  readonly name: string
  readonly fleet: FleetId
  readonly storeFile: string
  readonly capacity: number
  readonly logLevel: LogLevel
  /** The endpoint that clients are told. */
  readonly advertise: string
  readonly index: MessagePort
}

/** Told the main thread once. */
export interface HostStarted {
  readonly gamePort: number
}

/** One host of the embedded world: the same zone server as in a pod, in a thread of its own. */
async function main(data: HostWorkerData): Promise<void> {
  const log = createLog({ name: data.name, level: data.logLevel })
  const { namespace, name: fleet } = parsePair(data.fleet)
  const index = connectIndex(data.index)
  const store = await createSqliteStore({ file: data.storeFile })
  const gameServer = new EmbeddedGameServer({ name: data.name, namespace, fleet })
  const server = await createZoneServer({
    index,
    store,
    gameServer,
    log,
    clock: systemClock,
    metrics: createMetrics('zone-server'),
    capacity: data.capacity,
    gamePort: 0,
    gameHost: '127.0.0.1',
    fleet,
    node: 'embedded',
    advertise: () => data.advertise,
    stopWithinMs: EMBEDDED_STOP_LIMIT,
  })
  parentPort?.on('message', (message: unknown) => {
    if (message === 'stop')
      void server.close().catch((error: unknown) => log.error({ error: describeError(error) }, 'host did not stop cleanly'))
  })
  parentPort?.postMessage({ gamePort: server.port } satisfies HostStarted)
  await server.done
  await store.close()
  await index.close()
  parentPort?.close()
}

await main(workerData as HostWorkerData)
