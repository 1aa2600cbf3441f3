import type { Clock } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import { parsePair, type ZoneId, zoneId } from '../../core/ids.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { ZoneEvent, ZoneSource } from '../../core/ports/zone-source-port.ts'
import { idOfZone, ZONE_API_VERSION, ZONE_FINALIZER, ZONE_KIND, type Zone, type ZoneStatus } from '../../core/zone.ts'
import type { KubernetesClient } from './client.ts'
import { EventWriter } from './events.ts'
import { isRecord, type KubernetesObject, type Resource } from './objects.ts'
import { type WatchedResource, watchResource } from './watch-resource.ts'

export interface KubernetesSourceOptions {
  readonly client: KubernetesClient
  /** Empty: all. */
  readonly namespaces: readonly string[]
  readonly clock: Clock
  readonly log: Log
}

/** One collection, or one for each namespace. */
export function resources(group: string, version: string, plural: string, namespaces: readonly string[]): readonly Resource[] {
  return namespaces.length === 0 ? [{ group, version, plural }] : namespaces.map((namespace) => ({ group, version, plural, namespace }))
}

/** The Zones of a cluster. */
export class KubernetesZones implements ZoneSource {
  readonly #options: KubernetesSourceOptions
  readonly #events: EventWriter
  #watched: readonly WatchedResource[] = []

  constructor(options: KubernetesSourceOptions) {
    this.#options = options
    this.#events = new EventWriter(options.client, options.clock, options.log)
  }

  async watch(onChange: (zone: ZoneId) => void, signal: AbortSignal): Promise<void> {
    const { client, log, namespaces } = this.#options
    const changed = ({ object }: { readonly object: KubernetesObject }): void => {
      // A name that can't be ours was stored before the CRD refused it; nothing can be done about it here.
      const zone = asZone(object)
      if (zone !== undefined) onChange(idOfZone(zone))
    }
    this.#watched = resources('bailiwick.dev', 'v1alpha1', 'zones', namespaces).map((resource) =>
      watchResource({ client, resource, log, signal, select: withoutManagedFields, onChange: changed }),
    )
    await Promise.all(this.#watched.map((one) => one.synced))
  }

  get(zone: ZoneId): Zone | undefined {
    for (const { cache } of this.#watched) {
      const found = cache.get(zone)
      if (found !== undefined) return asZone(found)
    }
    return undefined
  }

  list(): readonly Zone[] {
    return this.#watched.flatMap(({ cache }) => cache.values().flatMap((object) => asZone(object) ?? []))
  }

  async refresh(zone: ZoneId): Promise<Zone | undefined> {
    const { namespace, name } = parsePair(zone)
    const base = this.#cached(zone)
    const found = await this.#options.client.get(resourceOf(namespace), name)
    if (found !== undefined && base !== undefined) for (const { cache } of this.#watched) cache.refresh(base, withoutManagedFields(found))
    return found === undefined ? undefined : asZone(found)
  }

  async writeStatus(zone: Zone, status: ZoneStatus): Promise<void> {
    await this.#write(zone, 'status', [{ op: 'add', path: '/status', value: status }])
  }

  async setFinalizer(zone: Zone, present: boolean): Promise<void> {
    const finalizers = zone.metadata.finalizers ?? []
    if (finalizers.includes(ZONE_FINALIZER) === present) return
    const value = present ? [...finalizers, ZONE_FINALIZER] : finalizers.filter((one) => one !== ZONE_FINALIZER)
    await this.#write(zone, undefined, [{ op: 'add', path: '/metadata/finalizers', value }])
  }

  event(zone: Zone, event: ZoneEvent): void {
    this.#events.write({ ...zone, apiVersion: ZONE_API_VERSION, kind: ZONE_KIND }, event)
  }

  /** A patch that is refused with KubernetesConflict when the zone is no longer the version that was read. */
  async #write(zone: Zone, subresource: string | undefined, operations: readonly object[]): Promise<void> {
    const { namespace, name, resourceVersion } = zone.metadata
    if (resourceVersion === undefined)
      throw new BailiwickError('Internal', { asked: `a write to ${idOfZone(zone)}`, found: 'no resourceVersion' })
    const patch = [{ op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion }, ...operations]
    const options = subresource === undefined ? {} : { subresource }
    const written = await this.#options.client.jsonPatch(resourceOf(namespace ?? 'default'), name, patch, options)
    for (const { cache } of this.#watched) cache.advance({ ...zone }, withoutManagedFields(written))
  }

  #cached(zone: ZoneId): KubernetesObject | undefined {
    return this.#watched.map(({ cache }) => cache.get(zone)).find((object) => object !== undefined)
  }
}

function resourceOf(namespace: string): Resource {
  return { group: 'bailiwick.dev', version: 'v1alpha1', plural: 'zones', namespace }
}

/** Who wrote which field is of no use here and would be half of the copy's memory. */
export function withoutManagedFields(object: KubernetesObject): KubernetesObject {
  const { managedFields: _dropped, ...metadata } = object.metadata as KubernetesObject['metadata'] & { managedFields?: unknown }
  return { ...object, metadata }
}

/** The object as a Zone, if its name can be one; the API server has checked the rest against the schema from which the type is made. */
function asZone(object: KubernetesObject): Zone | undefined {
  if (!isRecord(object['spec'])) return undefined
  try {
    zoneId(object.metadata.namespace ?? 'default', object.metadata.name)
  } catch {
    return undefined
  }
  return object as unknown as Zone
}
