// The zone server of bench:wake: real, over a real Redis and an SQLite file. Its game server is one that grants every wish.
import { systemClock } from '../../../core/clock.ts'
import { isCode } from '../../../core/errors.ts'
import type { FleetId } from '../../../core/ids.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { EmbeddedGameServer } from '../../../dev/game-server.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { createZoneServer } from '../../../zone-server/create-zone-server.ts'
import { serveCalls } from '../kit/served.ts'
import { Trace } from './traced.ts'

export interface HostStart {
  readonly redisUrl: string
  readonly storeFile: string
  readonly namespace: string
  readonly fleet: string
  readonly name: string
}

const REGISTERED_LIMIT = 15_000
const trace = new Trace()

/** False also while the index can't be reached yet. */
async function isRegistered(index: ZoneIndex, fleet: FleetId, name: string): Promise<boolean> {
  try {
    return (await index.fleetView(fleet)).hosts.some((host) => host.name === name)
  } catch (error) {
    if (!isCode(error, 'IndexUnavailable')) throw error
    return false
  }
}

serveCalls({
  async start({ redisUrl, storeFile, namespace, fleet, name }: HostStart): Promise<void> {
    const index = createRedisIndex({ url: redisUrl, log: silentLog })
    const store = await createSqliteStore({ file: storeFile })
    await createZoneServer({
      ...{ index: trace.of('host: index', index), store: trace.of('host: store', store), log: silentLog, clock: systemClock },
      ...{ capacity: 100, gamePort: 0, gameHost: '127.0.0.1', node: 'bench', fleet },
      gameServer: new EmbeddedGameServer({ name, namespace, fleet }),
      metrics: createMetrics('zone-server'),
      advertise: (port) => `127.0.0.1:${port}`,
    })
    const limit = performance.now() + REGISTERED_LIMIT
    while (!(await isRegistered(index, `${namespace}/${fleet}`, name))) {
      if (performance.now() > limit) throw new Error('the host did not register')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  },
  taken: () => trace.taken(),
})
