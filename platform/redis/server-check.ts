import type { Log } from '../../core/ports/log-port.ts'
import type { Client } from './connection.ts'

/** What the server is told apart by; the chart sets it so for its own Redis. */
const recommended = [
  { setting: 'maxmemory-policy', value: 'noeviction', reason: 'a full Redis would drop records of the zone index' },
  { setting: 'appendonly', value: 'yes', reason: 'a restarted Redis would have forgotten the last changes, or all' },
] as const

/** Throws when the server is a replica: it would refuse every change. */
export async function checkWritable(client: Client): Promise<void> {
  if ((await client.info('replication')).includes('role:slave')) throw new Error('the server is a read-only replica')
}

/** Warns of settings under which the index may lose what it was told. A server that doesn't let us ask is not judged. */
export async function checkServer(client: Client, log: Log): Promise<void> {
  let settings: Readonly<Record<string, string>>
  try {
    settings = await client.configGet(recommended.map((entry) => entry.setting))
  } catch {
    log.info({}, 'the settings of Redis can not be read, so they were not checked')
    return
  }
  for (const { setting, value, reason } of recommended) {
    const found = settings[setting]
    if (found !== undefined && found !== value) log.warn({ setting, found, recommended: value }, `Redis setting to change: ${reason}`)
  }
}
