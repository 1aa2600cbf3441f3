import { silentLog } from '../../../core/ports/log-port.ts'
import { createMongoStore } from '../../../platform/mongo/index.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import type { MongoServer } from '../../contract/mongo-server.ts'
import { startRedisServer } from '../../contract/redis-server.ts'
import { startWire, type Tap } from '../redis/wire.ts'
import type { Footing, Given } from './footing.ts'
import { startOperatorChild } from './operator-child.ts'

/** The commands with which the operator changes the index of itself; those of its sweeps come with the time and are not counted. */
const INDEX_WRITE = /bailiwick_(?:put_zone|delete_zone|place_layer|request_close|bar_zone|unbar_zone|forget_zone|drop_journal)\r\n/g

export interface ProcessOptions {
  readonly mongo: MongoServer
  /** For kubeconfigs, and for compiled code that processes share. */
  readonly folder: string
  /** An operator ended by itself because it had lost its lease. */
  readonly onLeaseLost: () => void
}

/** The operator as it is shipped, with its lease, in a process of its own that dies of SIGKILL; a Redis of its own, over a wire that sees its writes; a real store. */
export async function footingOfProcess({ mongo, folder, onLeaseLost }: ProcessOptions): Promise<Footing> {
  const redis = await startRedisServer()
  const database = mongo.database()
  const index = createRedisIndex({ url: redis.url, log: silentLog })
  const store = createMongoStore({ url: mongo.url, database })
  return {
    index,
    store,
    async begin(given) {
      const wire = await startWire(redis.port, killsAtWrites(given))
      const env = { REDIS_URL: `redis://127.0.0.1:${wire.port}`, MONGODB_URL: mongo.url, MONGODB_DATABASE: database }
      const gone = spawnOperator(given, { folder, onLeaseLost }, env)
      // Told when the world ends.
      gone.catch(() => undefined)
      return async () => {
        await gone
        await wire.close()
      }
    },
    async end() {
      await index.close()
      await store.close()
      await redis.stop()
    },
  }
}

/** Before: the command does not get out. After: its answer, on the same connection, does not get back. */
function killsAtWrites({ strikes, proxy }: Given): Tap {
  return () => {
    let dying = false
    return (chunk, way) => {
      if (way === 'back') {
        if (dying) proxy.crash()
        return !dying
      }
      for (const [command] of chunk.toString('latin1').matchAll(INDEX_WRITE)) {
        const strike = strikes.next('redis', command.trim())
        if (strike?.what === 'crash-before') {
          proxy.crash()
          return false
        }
        dying ||= strike?.what === 'crash-after'
      }
      return true
    }
  }
}

/**
 * Resolves when it was killed, or has lost its lease, as it may on a machine that stands still: it ends by itself then, and the next life begins, as kubelet would begin the container
 * again. Rejects when it ended otherwise.
 */
async function spawnOperator(
  { namespace, life, proxy, apiUrl, log }: Given,
  { folder, onLeaseLost }: Pick<ProcessOptions, 'folder' | 'onLeaseLost'>,
  env: Record<string, string>,
): Promise<void> {
  // Of a Deployment of one: the container begins again, and is the same candidate.
  const child = startOperatorChild({ namespace, podName: 'operator-0', apiUrl, folder, env, log })
  void life.death.promise.then(() => child.signal('SIGKILL'))
  const how = await child.ended
  if (life.dead) return
  proxy.crash()
  if (!child.unled) throw new Error(`the operator ended by itself: ${how}\n${child.last.join('\n')}`)
  onLeaseLost()
}
