import { setTimeout as delay } from 'node:timers/promises'
import { fleetId, type LayerId, layerId, zoneId } from '../../../core/ids.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import type { KubernetesClient } from '../../../platform/kubernetes/client.ts'
import { gameServers } from '../../api-server/objects.ts'
import { HostDouble } from '../../unit/operator/world/host-double.ts'
import { NAMESPACES, nameOf, namespaceOf } from './zones.ts'

/** One host a namespace: what is measured is the operator. */
const CAPACITY = 1_000
const JOINS_EVERY = 50

export interface World {
  readonly api: KubernetesClient
  readonly index: ZoneIndex
  readonly store: Store
}

/** What Agones would have of a host: one without is taken for a leak. */
function gameServer(namespace: string, name: string): object {
  const template = { spec: { containers: [{ name: 'zone-server', image: 'zone-server:1' }] } }
  return {
    ...{ apiVersion: 'agones.dev/v1', kind: 'GameServer' },
    metadata: { namespace, name, labels: { 'agones.dev/fleet': 'zone-servers' } },
    spec: { template },
    status: { state: 'Allocated' },
  }
}

/**
 * Players come and go for a while: every 50 ms some join a zone, which wakes it, and some leave one, which goes to sleep again when nobody is in. About `awake`
 * zones are awake at once. Answers how many joins there were.
 */
export async function comeAndGo({ api, index, store }: World, zones: number, awake: number, seconds: number): Promise<number> {
  const hosts = Array.from({ length: NAMESPACES }, (_, i) => {
    const fleet = fleetId(namespaceOf(i), 'zone-servers')
    return new HostDouble({ index, store, fleet, name: `host-${i}`, capacity: CAPACITY, sleeps: true })
  })
  for (const host of hosts) await host.start()
  for (let i = 0; i < NAMESPACES; i++) await api.create(gameServers(namespaceOf(i)), gameServer(namespaceOf(i), `host-${i}`))
  const inside: LayerId[] = []
  let joins = 0
  const rate = Math.max(1, Math.ceil((awake * JOINS_EVERY) / (seconds * 1_000) / 0.5))
  const end = performance.now() + seconds * 1_000
  while (performance.now() < end) {
    for (let i = 0; i < rate; i++) {
      const number = Math.floor(Math.random() * zones)
      const layer = layerId(zoneId(namespaceOf(number), nameOf(number)), 0)
      await index.placeLayer(fleetId(namespaceOf(number), 'zone-servers'), layer)
      const players = hosts[number % NAMESPACES]?.players
      players?.set(layer, (players.get(layer) ?? 0) + 1)
      inside.push(layer)
      joins += 1
    }
    while (inside.length > awake) {
      const layer = inside.splice(Math.floor(Math.random() * inside.length), 1)[0]
      if (layer === undefined) break
      for (const { players } of hosts) if (players.has(layer)) players.set(layer, Math.max(0, (players.get(layer) ?? 0) - 1))
    }
    await delay(JOINS_EVERY)
  }
  for (const host of hosts) host.stop()
  return joins
}
