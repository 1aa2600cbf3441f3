import type { KubernetesClient } from '../../../platform/kubernetes/client.ts'
import { fleetManifest, fleets, zones } from '../../api-server/objects.ts'
import type { ApiServer } from '../../api-server/server.ts'

/** Zones are spread over so many namespaces, each with its own fleet. */
export const NAMESPACES = 10
const AT_ONCE = 32

export const namespaceOf = (zone: number): string => `game-${zone % NAMESPACES}`
export const nameOf = (zone: number): string => `zone-${zone}`

export async function makeFleets(server: ApiServer, api: KubernetesClient): Promise<void> {
  for (let namespace = 0; namespace < NAMESPACES; namespace++) {
    await server.makeNamespace(namespaceOf(namespace))
    await api.create(fleets(namespaceOf(namespace)), fleetManifest(namespaceOf(namespace), 'zone-servers'))
  }
}

/** Zones as people write them: OnDemand, no two at the same place. */
export async function makeZones(api: KubernetesClient, from: number, to: number): Promise<void> {
  let next = from
  const worker = async (): Promise<void> => {
    for (let zone = next++; zone < to; zone = next++) {
      const corner = { x: (zone % 1_000) * 1_000, y: Math.floor(zone / 1_000) * 1_000 }
      const bounds = { min: corner, max: { x: corner.x + 1_000, y: corner.y + 1_000 } }
      const metadata = { name: nameOf(zone), namespace: namespaceOf(zone) }
      const spec = { bounds, activation: 'OnDemand', idleAfter: '5s', layers: { min: 1, max: 2 } }
      await api.create(zones(metadata.namespace), { apiVersion: 'bailiwick.dev/v1alpha1', kind: 'Zone', metadata, spec })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}
