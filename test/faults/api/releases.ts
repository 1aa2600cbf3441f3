import { silentLog } from '../../../core/ports/log-port.ts'
import { createMongoStore } from '../../../platform/mongo/index.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import type { ApiServer } from '../../api-server/server.ts'
import type { MongoServer } from '../../contract/mongo-server.ts'
import { type RedisServer, startRedisServer } from '../../contract/redis-server.ts'
import type { Footing, Given } from './footing.ts'
import { type OperatorChild, startOperatorChild } from './operator-child.ts'
import { ApiProxy, type Done } from './proxy.ts'

export interface CrewOptions {
  readonly server: ApiServer
  readonly mongo: MongoServer
  /** For kubeconfigs, and for compiled code that processes share. */
  readonly folder: string
}

/** Operators side by side, of one Deployment: any number, of any release, each a process with its own way to the API server. */
export interface Crew {
  /** For a world; nobody operates until `start`. */
  readonly footing: Footing
  readonly redis: RedisServer
  /** `release`: the folder of its sources; left out: these. `done`: where what it makes and deletes is counted. */
  start(done: Done, release?: string): Promise<OperatorChild>
}

/** A Redis of its own, a database of its own; its footing's end is the end of all. */
export async function createCrew({ server, mongo, folder }: CrewOptions): Promise<Crew> {
  const redis = await startRedisServer()
  const database = mongo.database()
  const index = createRedisIndex({ url: redis.url, log: silentLog })
  const store = createMongoStore({ url: mongo.url, database })
  const operators: OperatorChild[] = []
  const proxies: ApiProxy[] = []
  let given: Given | undefined
  const endAll = async (): Promise<void> => {
    for (const operator of operators) operator.signal('SIGKILL')
    await Promise.all(operators.map(({ ended }) => ended))
    for (const proxy of proxies) proxy.cut()
  }
  return {
    redis,
    async start(done, release) {
      if (given === undefined) throw new Error('a crew without a world')
      const { namespace, strikes, log } = given
      const proxy = new ApiProxy({ upstream: server.endpoint(), strikes, done, onCrash: () => undefined })
      proxies.push(proxy)
      const operator = startOperatorChild({
        ...{ namespace, folder, log, podName: `operator-${operators.length}`, apiUrl: await proxy.start() },
        ...(release === undefined ? {} : { release }),
        env: { REDIS_URL: redis.url, MONGODB_URL: mongo.url, MONGODB_DATABASE: database },
      })
      operators.push(operator)
      return operator
    },
    footing: {
      index,
      store,
      async begin(one) {
        given = one
        return endAll
      },
      async end() {
        await endAll()
        await index.close()
        await store.close()
        await redis.stop()
      },
    },
  }
}
