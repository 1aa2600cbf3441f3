import { monotonicClock, systemClock } from '../../../core/clock.ts'
import { describeError } from '../../../core/errors.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { createOperator } from '../../../operator/operator.ts'
import { KubernetesClient } from '../../../platform/kubernetes/client.ts'
import { KubernetesContents } from '../../../platform/kubernetes/contents.ts'
import { KubernetesFleets } from '../../../platform/kubernetes/fleets.ts'
import { plainEndpoint } from '../../../platform/kubernetes/plain-endpoint.ts'
import { KubernetesZones } from '../../../platform/kubernetes/zones.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { mortalStore, noMetrics } from '../../unit/operator/world/mortal.ts'
import type { Footing, Given } from './footing.ts'
import { faultyIndex } from './index-faults.ts'
import { type RedisWay, startRedisWay } from './redis-way.ts'

/** A call of the operator that is not answered is given up after this: sooner than in earnest, since nothing here is that slow. */
const CALL_DEADLINE = 3_000

/** The operator in this process, whose death is that nothing of it gets through any more; the index in memory, or in a Redis of its own behind a wire. */
export async function footingHere(overRedis: boolean): Promise<Footing> {
  const redis = overRedis ? await startRedisWay() : undefined
  const index = redis === undefined ? createMemoryIndex({ clock: systemClock }) : createRedisIndex({ url: redis.direct, log: silentLog })
  const store = await createSqliteStore({ file: ':memory:' })
  return {
    index,
    store,
    begin: (given) => begin({ index, store }, redis, given),
    async end() {
      await index.close()
      await store.close()
      await redis?.stop()
    },
  }
}

async function begin(own: Pick<Footing, 'index' | 'store'>, redis: RedisWay | undefined, given: Given): Promise<() => Promise<void>> {
  const { namespace, strikes, life, proxy, apiUrl, log } = given
  const client = new KubernetesClient(plainEndpoint(apiUrl), CALL_DEADLINE)
  const source = { client, namespaces: [namespace], clock: systemClock, log }
  const index = redis === undefined ? own.index : createRedisIndex({ url: redis.url, log })
  const operator = createOperator({
    zones: new KubernetesZones(source),
    fleets: new KubernetesFleets(source),
    contents: new KubernetesContents(source),
    index: faultyIndex(index, {
      ...{ strikes, dead: () => life.dead, crash: () => proxy.crash() },
      ...(redis === undefined ? {} : { onRedis: (what, ms) => redis.strike(what, ms) }),
    }),
    store: mortalStore(own.store, life),
    clock: systemClock,
    monotonic: monotonicClock,
    log,
    metrics: noMetrics,
    defaultFleet: 'zone-servers',
    namespaces: [namespace],
  })
  // A start that is cut off by a crash never ends; the next life begins all the same.
  void operator.start().catch((error: unknown) => log.info({ error: describeError(error) }, 'start'))
  return async () => {
    await operator.stop()
    client.close()
    if (redis !== undefined) await index.close()
  }
}
