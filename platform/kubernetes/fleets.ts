import { type FleetId, fleetId, parsePair } from '../../core/ids.ts'
import type { Autoscaler, Fleet, FleetSource, GameServerSeen, Manifest, ServerFate } from '../../core/ports/zone-source-port.ts'
import { ZONE_KIND } from '../../core/zone.ts'
import { isRecord, type KubernetesObject, type Resource } from './objects.ts'
import { type WatchedResource, watchResource } from './watch-resource.ts'
import { type KubernetesSourceOptions, resources, withoutManagedFields } from './zones.ts'

const FLEET_LABEL = 'agones.dev/fleet'
const plurals = { fleets: 'agones.dev', gameservers: 'agones.dev', fleetautoscalers: 'autoscaling.agones.dev' } as const
type Plural = keyof typeof plurals

/** Agones' Fleets, FleetAutoscalers and GameServers. */
export class KubernetesFleets implements FleetSource {
  readonly #options: KubernetesSourceOptions
  #fleets: readonly WatchedResource[] = []
  #autoscalers: readonly WatchedResource[] = []
  #servers: readonly WatchedResource[] = []
  /** Game servers in state Error, by fleet: asked for with every look at a zone. */
  readonly #broken = new Map<FleetId, Set<string>>()

  constructor(options: KubernetesSourceOptions) {
    this.#options = options
  }

  async watchFleets(onChange: (fleet: FleetId) => void, signal: AbortSignal): Promise<void> {
    const known = new Map<string, string>()
    const tell = (fleet: FleetId, key: string, object: KubernetesObject, removed: boolean): void => {
      // Numbers of servers change all the time, and concern no zone.
      const relevant = removed ? '' : relevantPart(object)
      if (known.get(key) === relevant) return
      if (removed) known.delete(key)
      else known.set(key, relevant)
      onChange(fleet)
    }
    this.#fleets = this.#watch('fleets', signal, (object, removed) => {
      const { namespace = '', name } = object.metadata
      tell(fleetId(namespace, name), `fleet ${namespace}/${name}`, object, removed)
    })
    this.#autoscalers = this.#watch('fleetautoscalers', signal, (object, removed) => {
      const { namespace = '', name } = object.metadata
      const fleet = specOf(object)['fleetName']
      if (typeof fleet === 'string') tell(fleetId(namespace, fleet), `autoscaler ${namespace}/${name}`, object, removed)
    })
    await Promise.all([...this.#fleets, ...this.#autoscalers].map((one) => one.synced))
  }

  async watchServers(onFate: (server: ServerFate) => void, signal: AbortSignal): Promise<void> {
    const tell = (object: KubernetesObject, removed: boolean): void => {
      const label = object.metadata.labels?.[FLEET_LABEL]
      if (label === undefined) return
      const [fleet, { name }] = [fleetId(object.metadata.namespace ?? '', label), object.metadata]
      this.#note(fleet, name, !removed && stateOf(object) === 'Error')
      const fate = fateOf(object, removed)
      if (fate !== undefined) onFate({ fleet, name, fate })
    }
    this.#servers = this.#watch('gameservers', signal, tell, withStateOnly)
    await Promise.all(this.#servers.map((one) => one.synced))
  }

  get(fleet: FleetId): Fleet | undefined {
    const object = find(this.#fleets, fleet)
    if (object === undefined) return undefined
    const { uid, annotations, ownerReferences, deletionTimestamp } = object.metadata
    return {
      id: fleet,
      uid: uid ?? '',
      annotations: annotations ?? {},
      ownerZone: ownerReferences?.find((owner) => owner.kind === ZONE_KIND)?.uid,
      deleting: deletionTimestamp !== undefined,
      spec: specOf(object),
    }
  }

  autoscalerOf(fleet: FleetId): Autoscaler | undefined {
    const { namespace, name } = parsePair(fleet)
    const object = this.#autoscalers
      .flatMap(({ cache }) => cache.values())
      .find((one) => one.metadata.namespace === namespace && specOf(one)['fleetName'] === name)
    return object === undefined ? undefined : { name: object.metadata.name, spec: specOf(object) }
  }

  troubleOf(fleet: FleetId): string | undefined {
    const [name] = this.#broken.get(fleet) ?? []
    if (name === undefined) return undefined
    return `game server ${name} is in state Error, see: kubectl describe gameserver -n ${parsePair(fleet).namespace} ${name}`
  }

  serversOf(fleet: FleetId): readonly GameServerSeen[] {
    const { namespace, name: label } = parsePair(fleet)
    return this.#servers
      .flatMap(({ cache }) => cache.values())
      .filter(({ metadata }) => metadata.namespace === namespace && metadata.labels?.[FLEET_LABEL] === label)
      .map((one) => {
        const { name, uid = '', resourceVersion = '', deletionTimestamp } = one.metadata
        return { namespace, name, uid, resourceVersion, state: stateOf(one), deleting: deletionTimestamp !== undefined }
      })
  }

  async hasServer(fleet: FleetId, name: string): Promise<boolean> {
    const { namespace, name: label } = parsePair(fleet)
    const found = await this.#options.client.get(resourceOf('gameservers', namespace), name)
    return found?.metadata.labels?.[FLEET_LABEL] === label
  }

  async deleteServer({ namespace, name, uid, resourceVersion }: GameServerSeen): Promise<void> {
    await this.#options.client.delete(resourceOf('gameservers', namespace), name, uid, resourceVersion)
  }

  async apply(manifest: Manifest): Promise<void> {
    const { namespace, name } = manifest.metadata
    const plural = manifest.kind === 'FleetAutoscaler' ? 'fleetautoscalers' : 'fleets'
    await this.#options.client.apply(resourceOf(plural, namespace), name, manifest)
  }

  async deleteDedicated(fleet: FleetId, zoneUid: string): Promise<void> {
    const { namespace, name } = parsePair(fleet)
    for (const plural of ['fleetautoscalers', 'fleets'] as const) {
      const object = await this.#options.client.get(resourceOf(plural, namespace), name)
      const owned = object?.metadata.ownerReferences?.some((owner) => owner.uid === zoneUid) ?? false
      if (object !== undefined && owned) await this.#options.client.delete(resourceOf(plural, namespace), name, object.metadata.uid)
    }
  }

  #note(fleet: FleetId, server: string, broken: boolean): void {
    const known = this.#broken.get(fleet) ?? new Set()
    if (broken) this.#broken.set(fleet, known.add(server))
    else if (known.delete(server) && known.size === 0) this.#broken.delete(fleet)
  }

  #watch(
    plural: Plural,
    signal: AbortSignal,
    onObject: (object: KubernetesObject, removed: boolean) => void,
    select = withoutManagedFields,
  ): readonly WatchedResource[] {
    const { client, namespaces, log } = this.#options
    const onChange = ({ object, removed }: { object: KubernetesObject; removed: boolean }): void => {
      try {
        onObject(object, removed)
      } catch (error) {
        // Agones takes names that are none of ours, with dots: no zone can use them.
        log.debug({ plural, name: object.metadata.name, error: String(error) }, 'fleets: not one that a zone can use')
      }
    }
    return resources(plurals[plural], 'v1', plural, namespaces).map((resource) =>
      watchResource({ client, resource, log, signal, select, onChange }),
    )
  }
}

function resourceOf(plural: Plural, namespace: string): Resource {
  return { group: plurals[plural], version: 'v1', plural, namespace }
}

function find(watched: readonly WatchedResource[], key: string): KubernetesObject | undefined {
  return watched.map(({ cache }) => cache.get(key)).find((object) => object !== undefined)
}

function specOf(object: KubernetesObject): Readonly<Record<string, unknown>> {
  return isRecord(object['spec']) ? object['spec'] : {}
}

function stateOf(object: KubernetesObject): string {
  const state = isRecord(object['status']) ? object['status']['state'] : undefined
  return typeof state === 'string' ? state : ''
}

function fateOf(object: KubernetesObject, removed: boolean): ServerFate['fate'] | undefined {
  // Agones deletes the object only when the pod is gone.
  if (removed || stateOf(object) === 'Error') return 'gone'
  // Nothing leaves these two states.
  if (stateOf(object) === 'Unhealthy') return 'unhealthy'
  return stateOf(object) === 'Shutdown' || object.metadata.deletionTimestamp !== undefined ? 'leaving' : undefined
}

function relevantPart(object: KubernetesObject): string {
  const { uid, annotations, ownerReferences, deletionTimestamp } = object.metadata
  const { replicas: _changing, ...spec } = specOf(object)
  return JSON.stringify([uid, annotations, ownerReferences, deletionTimestamp, spec])
}

/** Thousands of game servers, of each only what is asked about. */
function withStateOnly(object: KubernetesObject): KubernetesObject {
  const { name, namespace, uid, resourceVersion, labels, deletionTimestamp } = object.metadata
  const kept = { name, namespace: namespace ?? '', uid: uid ?? '', resourceVersion: resourceVersion ?? '', labels: labels ?? {} }
  return { metadata: deletionTimestamp === undefined ? kept : { ...kept, deletionTimestamp }, status: { state: stateOf(object) } }
}
