import { type Clock, monotonicClock } from '../core/clock.ts'
import { BailiwickError, isCode } from '../core/errors.ts'
import { type FleetId, fleetId } from '../core/ids.ts'
import type { Log } from '../core/ports/log-port.ts'
import { dedicatedFleetName, ZONE_FINALIZER, type Zone, type ZoneStatus } from '../core/zone.ts'
import {
  type KubernetesClient,
  type KubernetesObject,
  LeaderElection,
  type leaseObject,
  type Resource,
} from '../platform/kubernetes/index.ts'
import type { UninstallCluster } from './uninstall-steps.ts'

const PAGE = 500

export interface UninstallClusterOptions {
  readonly client: KubernetesClient
  /** Empty: all. */
  readonly namespaces: readonly string[]
  /** Where the operator's Deployment and lease are. */
  readonly ownNamespace: string
  readonly deployment: string
  readonly leaseName: string
  readonly lease: ReturnType<typeof leaseObject>
  /** Unique to this process. */
  readonly identity: string
  readonly clock: Clock
  readonly log: Log
  /** How long the operator may take to let its lease go, ms. */
  readonly deadlineMs: number
}

/** The cluster of the uninstall hook. */
export function uninstallCluster(options: UninstallClusterOptions): UninstallCluster {
  const { client, ownNamespace } = options
  const election = new LeaderElection({ ...options, store: options.lease, clock: monotonicClock })
  const zones = (namespace?: string): Resource => ({ group: 'bailiwick.dev', version: 'v1alpha1', plural: 'zones', namespace })
  const agones = (plural: 'fleets' | 'fleetautoscalers', namespace?: string): Resource => ({
    group: plural === 'fleets' ? 'agones.dev' : 'autoscaling.agones.dev',
    version: 'v1',
    plural,
    namespace,
  })
  const everywhere = async (resource: (namespace?: string) => Resource): Promise<readonly KubernetesObject[]> => {
    const places = options.namespaces.length === 0 ? [undefined] : options.namespaces
    return (await Promise.all(places.map((namespace) => listAll(client, resource(namespace))))).flat()
  }
  return {
    // The API server has checked them against the schema from which the type is made.
    listZones: async () => (await everywhere(zones)) as unknown as readonly Zone[],
    async listFleets() {
      const fleets = await everywhere((namespace) => agones('fleets', namespace))
      return fleets.flatMap(({ metadata }) => usableFleet(metadata.namespace ?? 'default', metadata.name))
    },
    deleteZone: async ({ metadata }) => client.delete(zones(metadata.namespace ?? 'default'), metadata.name, metadata.uid),
    async freeZone(zone) {
      const { namespace = 'default', name } = zone.metadata
      const status = { status: statusOfUnserved(zone, options.clock) }
      await unlessGone(client.mergePatch(zones(namespace), name, status, { subresource: 'status' }))
      await removeFinalizer(client, zones(namespace), name)
    },
    async deleteDedicatedFleet({ metadata }) {
      const { namespace = 'default', name } = metadata
      for (const plural of ['fleetautoscalers', 'fleets'] as const) {
        const resource = agones(plural, namespace)
        const found = await client.get(resource, dedicatedFleetName(name))
        const owned = found?.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid) ?? false
        if (found !== undefined && owned) await client.delete(resource, found.metadata.name, found.metadata.uid)
      }
    },
    async stopOperator() {
      const deployments: Resource = { group: 'apps', version: 'v1', plural: 'deployments', namespace: ownNamespace }
      await unlessGone(client.mergePatch(deployments, options.deployment, { spec: { replicas: 0 } }, { subresource: 'scale' }))
      // Whoever still believed that it leads stops: the lease is the right to act.
      await within(election.start().acquired, options.deadlineMs)
      options.log.info({}, 'uninstall: the operator is stopped')
    },
    async forgetOperator() {
      await election.release()
      await client.delete({ group: 'coordination.k8s.io', version: 'v1', plural: 'leases', namespace: ownNamespace }, options.leaseName)
    },
  }
}

async function listAll(client: KubernetesClient, resource: Resource): Promise<readonly KubernetesObject[]> {
  const found: KubernetesObject[] = []
  let next: string | undefined
  do {
    const page = await client.list(resource, { limit: PAGE, continue: next })
    found.push(...page.items)
    next = page.continue
  } while (next !== undefined)
  return found
}

/** Removes our finalizer and no other: conditional on what was read, tried again when it changed meanwhile. */
async function removeFinalizer(client: KubernetesClient, resource: Resource, name: string): Promise<void> {
  const tries = 10
  for (let attempt = 1; ; attempt++) {
    const object = await client.get(resource, name)
    const finalizers = object?.metadata.finalizers ?? []
    if (object === undefined || !finalizers.includes(ZONE_FINALIZER)) return
    const left = finalizers.filter((each) => each !== ZONE_FINALIZER)
    const metadata = { resourceVersion: object.metadata.resourceVersion, finalizers: left }
    try {
      await unlessGone(client.mergePatch(resource, name, { metadata }))
      return
    } catch (error) {
      if (attempt >= tries || !isCode(error, 'KubernetesConflict')) throw error
    }
  }
}

/** What a zone is while Bailiwick is not installed. */
function statusOfUnserved(zone: Zone, clock: Clock): ZoneStatus {
  const ready = {
    type: 'Ready',
    status: 'False' as const,
    reason: 'Uninstalled',
    message: 'Bailiwick was uninstalled. The stored data of the zone is kept.',
    lastTransitionTime: new Date(clock.now()).toISOString(),
  }
  return { ...zone.status, phase: 'Pending', players: 0, layerCount: 0, layers: [], conditions: [ready] }
}

function usableFleet(namespace: string, name: string): readonly FleetId[] {
  try {
    return [fleetId(namespace, name)]
  } catch {
    return [] // Agones takes names with dots, which no zone can use.
  }
}

async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!isCode(error, 'NotFound')) throw error
  }
}

async function within(work: Promise<void>, ms: number): Promise<void> {
  const limit = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    limit.reject(
      new BailiwickError('Timeout', {
        asked: 'the lease of the operator',
        found: 'somebody else renews it',
        todo: 'stop operators that run outside this release',
      }),
    )
  }, ms)
  try {
    await Promise.race([work, limit.promise])
  } finally {
    clearTimeout(timer)
  }
}
