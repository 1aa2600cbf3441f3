import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Resource } from '../../platform/kubernetes/objects.ts'
import { parseYaml } from '../../platform/yaml/index.ts'

export interface Definition {
  readonly spec: {
    readonly group: string
    readonly names: { readonly plural: string }
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: unknown } }[]
  }
}

export const namespaceResource: Resource = { group: '', version: 'v1', plural: 'namespaces' }
export const crdResource: Resource = { group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions' }
export const zones = (namespace?: string): Resource => ({ group: 'bailiwick.dev', version: 'v1alpha1', plural: 'zones', namespace })
export const fleets = (namespace?: string): Resource => ({ group: 'agones.dev', version: 'v1', plural: 'fleets', namespace })
export const gameServers = (namespace?: string): Resource => ({ group: 'agones.dev', version: 'v1', plural: 'gameservers', namespace })
export const autoscalers = (namespace?: string): Resource => ({
  group: 'autoscaling.agones.dev',
  version: 'v1',
  plural: 'fleetautoscalers',
  namespace,
})

/** crds/zone.yaml. */
export function zoneDefinition(): Definition {
  return parseYaml(readFileSync(join(import.meta.dirname, '..', '..', 'crds', 'zone.yaml'), 'utf8'), 'crds/zone.yaml') as Definition
}

/** An Agones Fleet that the operator takes for one of zone servers. */
export function fleetManifest(namespace: string, name: string): object {
  const container = { name: 'zone-server', image: 'zone-server:1', resources: { requests: { cpu: '100m' } } }
  return {
    apiVersion: 'agones.dev/v1',
    kind: 'Fleet',
    metadata: { namespace, name },
    spec: {
      replicas: 0,
      template: { spec: { ports: [{ name: 'clients', containerPort: 7000 }], template: { spec: { containers: [container] } } } },
    },
  }
}
