import { createClient } from 'redis'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { ManualClock } from '../../core/clock.ts'
import { silentLog } from '../../core/ports/log-port.ts'
import { createMemoryIndex } from '../../platform/memory/memory-index.ts'
import { fleetClock } from '../../platform/redis/keys.ts'
import { createRedisIndex } from '../../platform/redis/redis-index.ts'
import { type IndexHarness, PATIENCE } from './index-harness.ts'
import { checkJournalLaws } from './index-journal-laws.ts'
import { checkLaws, lawRules } from './index-laws.ts'
import { changeableReplid, type RedisServer, startRedisServer, withoutDisk } from './redis-server.ts'

function inMemory(): IndexHarness {
  const clock = new ManualClock()
  const index = createMemoryIndex({ clock, timing: lawRules })
  return { index, advance: async (_, ms) => clock.advance(ms), flush: async () => index.flush(), restart: async () => index.restart() }
}

describe('laws of the zone index', () => {
  let server: RedisServer
  let inRedis: IndexHarness

  beforeAll(async () => {
    server = await startRedisServer([...withoutDisk, ...changeableReplid])
    const client = await createClient({ url: server.url })
      .on('error', () => undefined)
      .connect()
    const index = createRedisIndex({ url: server.url, log: silentLog, timing: lawRules, callDeadline: PATIENCE })
    inRedis = {
      index,
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
    return async () => {
      await index.close()
      client.destroy()
    }
  })
  afterAll(() => server?.stop())

  it('hold in memory', { timeout: 60_000 }, () => checkLaws([inMemory()], 150))
  it('hold for journals in memory', { timeout: 60_000 }, () => checkJournalLaws([inMemory()], 300))
  it('hold for journals in Redis, which decides as the memory does', { timeout: 60_000 }, () => checkJournalLaws([inMemory(), inRedis], 60))
  it('hold in Redis, which decides as the memory does', { timeout: 60_000 }, () => checkLaws([inMemory(), inRedis], 80))
})
