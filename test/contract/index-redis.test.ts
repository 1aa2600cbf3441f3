import { createClient } from 'redis'
import { afterAll, beforeAll, expect, vi } from 'vitest'
import type { ZoneIndex } from '../../core/ports/index-port.ts'
import { silentLog } from '../../core/ports/log-port.ts'
import { fleetClock } from '../../platform/redis/keys.ts'
import { createRedisIndex } from '../../platform/redis/redis-index.ts'
import { indexContract } from './index-contract.ts'
import { type IndexHarness, PATIENCE, rules } from './index-harness.ts'
import { changeableReplid, type RedisServer, startRedisServer, withoutDisk } from './redis-server.ts'

/**
 * The whole contract against a real Redis in cluster mode, with all slots: it refuses a function that touches two slots or a key that was not declared.
 */
let server: RedisServer
let index: ZoneIndex
let harness: IndexHarness
const cluster = ['--cluster-enabled', 'yes', ...withoutDisk, ...changeableReplid]

beforeAll(async () => {
  server = await startRedisServer(cluster)
  const client = await createClient({ url: server.url })
    .on('error', () => undefined)
    .connect()
  await client.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', '0', '16383'])
  await vi.waitFor(async () => expect(await client.sendCommand(['CLUSTER', 'INFO'])).toContain('cluster_state:ok'), PATIENCE)
  index = createRedisIndex({ url: server.url, log: silentLog, timing: rules, callDeadline: PATIENCE })
  harness = {
    index,
    // Index time is Redis' time and what is added to it when its clock was set back: so a test can let time pass.
    async advance(fleet, ms) {
      await client.hIncrBy(fleetClock(fleet), 'offset', ms)
    },
    async flush() {
      await client.flushAll()
    },
    async restart() {
      await client.sendCommand(['DEBUG', 'CHANGE-REPL-ID'])
    },
  }
  return () => client.destroy()
})

afterAll(async () => {
  await index?.close()
  await server?.stop()
})

indexContract('zone index in Redis', () => harness)
