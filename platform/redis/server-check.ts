import type { Log } from '../../core/ports/log-port.ts'
import type { Client } from './connection.ts'

interface Recommendation {
  readonly setting: string
  /** The first is what the chart sets for its own Redis. */
  readonly values: readonly [string, ...string[]]
  readonly reason: string
}

/** What the server is told apart by. */
const recommended: readonly Recommendation[] = [
  { setting: 'maxmemory-policy', values: ['noeviction'], reason: 'a full Redis would drop records of the zone index' },
  { setting: 'appendonly', values: ['yes'], reason: 'a restarted Redis would have forgotten the journals, or all' },
  { setting: 'appendfsync', values: ['everysec', 'always'], reason: 'a lost machine would lose more of the journals than the last second' },
]
/** Asked for only where there are replicas. */
const replicasNeeded = 'min-replicas-to-write'

/** Throws when the server is a replica: it would refuse every change. */
export async function checkWritable(client: Client): Promise<void> {
  if ((await client.info('replication')).includes('role:slave')) throw new Error('the server is a read-only replica')
}

/** Warns of settings under which the index may lose what it was told. A server that doesn't let us ask is not judged. */
export async function checkServer(client: Client, log: Log): Promise<void> {
  let settings: Readonly<Record<string, string>>
  try {
    settings = await client.configGet([...recommended.map((entry) => entry.setting), replicasNeeded])
  } catch {
    log.info({}, 'the settings of Redis can not be read, so they were not checked')
    return
  }
  for (const { setting, values, reason } of recommended) {
    const found = settings[setting]
    if (found !== undefined && !values.includes(found)) warn(log, setting, found, values[0], reason)
  }
  const replicas = Number(/^connected_slaves:(\d+)/m.exec(await client.info('replication'))?.[1] ?? 0)
  if (replicas > 0 && settings[replicasNeeded] === '0')
    warn(log, replicasNeeded, '0', '1', 'a server cut off from its replicas would go on confirming what a fail-over forgets')
}

function warn(log: Log, setting: string, found: string, value: string, reason: string): void {
  log.warn({ setting, found, recommended: value }, `Redis setting to change: ${reason}`)
}
