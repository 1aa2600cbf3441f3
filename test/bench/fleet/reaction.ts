import { setTimeout as delay } from 'node:timers/promises'
import { zoneId } from '../../../core/ids.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import type { KubernetesClient } from '../../../platform/kubernetes/client.ts'
import { zones } from '../../api-server/objects.ts'
import type { StatusWatch } from './status-watch.ts'
import { nameOf, namespaceOf } from './zones.ts'

export interface Reaction {
  /** From the API server's answer to a change of a spec until the zone's settings in the index are of that generation; ms, sorted. */
  readonly settings: readonly number[]
  /** The same until its status is of that generation, as a watch hears it. */
  readonly status: readonly number[]
}

const LIMIT = 20_000

/** Each change is to a value that no zone had before: what changes nothing has no generation, and nobody reacts to it. */
let changed = 0

/** Changes one zone after another, in an order that jumps, with pauses between. */
export async function measureReaction(
  api: KubernetesClient,
  index: ZoneIndex,
  statuses: StatusWatch,
  count: number,
  changes: number,
): Promise<Reaction> {
  const waiting = new Map<string, (zone: string) => void>()
  const over = new AbortController()
  await index.watchZones((change) => void (change.zone !== undefined && waiting.get(change.zone)?.(change.zone)), over.signal)
  const settings: number[] = []
  const status: number[] = []
  try {
    for (let i = 0; i < changes; i++) {
      const number = (i * 7_919) % count
      const id = zoneId(namespaceOf(number), nameOf(number))
      const heard = Promise.withResolvers<void>()
      waiting.set(id, () => heard.resolve())
      const spec = { snapshotEvery: `${++changed + 60_000}ms` }
      const zone = await api.mergePatch(zones(namespaceOf(number)), nameOf(number), { spec })
      const begun = performance.now()
      const said = statuses.says(zone.metadata.uid ?? '', zone.metadata.generation ?? 0)
      await Promise.race([heard.promise, delay(LIMIT, undefined, { ref: false })])
      settings.push(performance.now() - begun)
      waiting.delete(id)
      const known = await index.getZone(id)
      if (known?.generation !== zone.metadata.generation) throw new Error(`${id}: no reaction within ${LIMIT} ms`)
      await Promise.race([said, delay(LIMIT, undefined, { ref: false })])
      status.push(performance.now() - begun)
      await delay(20)
    }
  } finally {
    over.abort()
  }
  return { settings: settings.sort((a, b) => a - b), status: status.sort((a, b) => a - b) }
}
