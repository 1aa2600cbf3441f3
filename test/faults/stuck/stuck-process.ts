// A zone server as a process of its own, whose rules do not come back from a tick in which somebody says the poison. Its argument says what to be.
import { registerHooks } from 'node:module'
import { systemClock } from '../../../core/clock.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { GrantedGameServer } from '../../unit/zone-server/granted-game-server.ts'

export interface StuckOrder {
  readonly name: string
  readonly redis: string
  readonly storeFile: string
  readonly harm: Harm
  readonly timing: Parameters<typeof createRedisIndex>[0]['timing']
}

export type Harm = 'none' | 'loop' | 'fill'

export const POISON = 'divide by zero'

const harms: Readonly<Record<Harm, string>> = {
  none: '',
  loop: 'for (;;) {}',
  // So slow that it is found to be stuck long before it ends in an abort of the process: asleep for the most part, so that even beside others its share of a core is enough.
  fill: 'const kept: unknown[] = []; const rest = new Int32Array(new SharedArrayBuffer(4)); for (;;) { kept.push(new Array(100_000).fill(kept.length)); const end = performance.now() + 1; while (performance.now() < end) {} Atomics.wait(rest, 0, 0, 19) }',
}

function poisonRules(harm: Harm): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      if (!url.endsWith('/zone-server/simulation/step.ts')) return loaded
      const asIs = String(loaded.source)
      const source = asIs.replace('export function step(', 'function stepWell(')
      if (source === asIs) throw new Error('there is no step to be poisoned')
      const says = `JSON.stringify(batch, (_, value) => (typeof value === 'bigint' ? String(value) : value)).includes('${POISON}')`
      const poisoned = `export function step(state: LayerState, batch: readonly Input[]): TickOutput { if (${says}) { ${harms[harm]} } return stepWell(state, batch) }`
      return { ...loaded, source: `${source}\n${poisoned}\n` }
    },
  })
}

async function serve({ name, redis, storeFile, harm, timing }: StuckOrder): Promise<void> {
  poisonRules(harm)
  const { createZoneServer } = await import('../../../zone-server/create-zone-server.ts')
  const { startWatchdog } = await import('../../../zone-server/watchdog/watchdog.ts')
  await createZoneServer({
    index: createRedisIndex({ url: redis, log: silentLog, ...(timing === undefined ? {} : { timing }) }),
    store: await createSqliteStore({ file: storeFile }),
    gameServer: new GrantedGameServer(name),
    ...{ log: silentLog, clock: systemClock, metrics: createMetrics('zone-server') },
    ...{ capacity: 1, gamePort: 0, gameHost: '127.0.0.1', node: 'node-1', advertise: (port: number) => `127.0.0.1:${port}` },
  })
  startWatchdog(redis, silentLog)
}

if (process.argv[2] !== undefined) {
  process.on('disconnect', () => process.exit(0))
  await serve(JSON.parse(process.argv[2]) as StuckOrder)
}
