// A zone server as a process of its own, over a real index and a real store: what the kill tests kill. Told what to be by its parent, by messages.
import { flushCompileCache } from 'node:module'
import { systemClock } from '../../../core/clock.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import type { Log, LogFields } from '../../../core/ports/log-port.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import { createZoneServer } from '../../../zone-server/create-zone-server.ts'
import { GrantedGameServer } from '../../unit/zone-server/granted-game-server.ts'
import type { FromParent, HostOrder, ToParent } from './messages.ts'

function tell(message: ToParent): void {
  process.send?.(message)
}

function log(fields: LogFields = {}): Log {
  const write =
    (level: 'warn' | 'error') =>
    (more: LogFields, event: string): void =>
      tell({ kind: 'line', level, event, fields: JSON.stringify({ ...fields, ...more }) })
  const quiet = (): void => undefined
  return { debug: quiet, info: quiet, warn: write('warn'), error: write('error'), child: (more) => log({ ...fields, ...more }) }
}

async function openStore({ store }: HostOrder): Promise<Store> {
  if (store.kind === 'sqlite') return (await import('../../../platform/sqlite/index.ts')).createSqliteStore({ file: store.file })
  return (await import('../../../platform/mongo/index.ts')).createMongoStore({ url: store.url, database: store.database })
}

/** Waits with each trim until the parent has read what goes: it keeps the whole journal, to compare. */
function trimmedWhenRead(index: ZoneIndex): ZoneIndex {
  let asked = 0
  const waiting = new Map<number, () => void>()
  process.on('message', (message: FromParent) => {
    if (message.kind === 'read') waiting.get(message.question)?.()
  })
  return {
    ...index,
    trimJournal: async (layer, fence, through) => {
      const question = ++asked
      await new Promise<void>((resolve) => {
        waiting.set(question, resolve)
        tell({ kind: 'trim', question, layer, through })
      })
      waiting.delete(question)
      return index.trimJournal(layer, fence, through)
    },
  }
}

async function serve(order: HostOrder): Promise<void> {
  const own = log({ host: order.name })
  const index = trimmedWhenRead(createRedisIndex({ url: order.redis, log: own }))
  await createZoneServer({
    index,
    store: await openStore(order),
    gameServer: new GrantedGameServer(order.name),
    log: own,
    clock: systemClock,
    metrics: createMetrics('zone-server'),
    capacity: 1,
    gamePort: 0,
    gameHost: '127.0.0.1',
    node: 'node-1',
    advertise: (port) => `127.0.0.1:${port}`,
  })
  // Who is killed writes nothing at its end.
  flushCompileCache()
}

process.on('disconnect', () => process.exit(0))
process.once('message', (message: FromParent) => {
  if (message.kind === 'serve')
    serve(message.order).catch((error: unknown) => {
      tell({ kind: 'line', level: 'error', event: 'a host can not be', fields: String(error) })
      process.exit(1)
    })
})
