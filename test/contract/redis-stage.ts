import { createClient } from 'redis'
import { afterEach, vi } from 'vitest'
import type { IndexRules } from '../../core/index-rules.ts'
import type { ZoneIndex } from '../../core/ports/index-port.ts'
import type { Log, LogFields } from '../../core/ports/log-port.ts'
import { createRedisIndex } from '../../platform/redis/redis-index.ts'
import { PATIENCE, rules } from './index-harness.ts'
import { type RedisServer, startRedisServer } from './redis-server.ts'

/** Servers, clients and indexes of a test, which end with it. */
const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

export interface Line extends LogFields {
  readonly level: string
  readonly event: string
}

export function recordingLog(lines: Line[]): Log {
  const write =
    (level: string) =>
    (fields: LogFields, event: string): void => {
      lines.push({ ...fields, level, event })
    }
  const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error'), child: () => log }
  return log
}

export async function started(settings: readonly string[] = []): Promise<RedisServer> {
  const server = await startRedisServer(settings)
  stops.push(() => server.stop())
  return server
}

export async function rawClient(server: RedisServer) {
  const client = await createClient({ url: server.url })
    .on('error', () => undefined)
    .connect()
  stops.push(async () => client.destroy())
  return client
}

export function opened(url: string, timing: Partial<IndexRules> = {}): { index: ZoneIndex; lines: Line[] } {
  const lines: Line[] = []
  const index = createRedisIndex({ url, log: recordingLog(lines), timing: { ...rules, ...timing } })
  stops.push(() => index.close())
  return { index, lines }
}

/** Resolves when the index answers again. */
export const reached = (index: ZoneIndex): Promise<void> => vi.waitFor(() => index.ping(), { timeout: PATIENCE, interval: 20 })
