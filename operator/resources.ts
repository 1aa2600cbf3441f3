import { FLEET_ANNOTATIONS } from '../core/capacity.ts'
import { parsePair } from '../core/ids.ts'
import type { Autoscaler, Fleet, Manifest, OwnerReference } from '../core/ports/zone-source-port.ts'
import { type Dedicated, ZONE_API_VERSION, ZONE_KIND, type Zone } from '../core/zone.ts'
import type { Observed } from './observe.ts'

/** Says from what a dedicated fleet was made: it is made again when that changes. */
const MADE_FROM_ANNOTATION = 'bailiwick.dev/made-from'
/** Names the zone for which a Fleet was made. */
const ZONE_LABEL = 'bailiwick.dev/zone'

type Fields = Readonly<Record<string, unknown>>

export interface DedicatedObjects {
  readonly fleet: Manifest
  /** Undefined when the copied fleet has none: then the fleet has a fixed size. */
  readonly autoscaler: Manifest | undefined
}

/**
 * The Fleet of a dedicated zone: a copy of `from` with the overrides that the zone may give and one layer a pod, owned by the zone. The author of a zone gets no
 * pod template of their own: images, service accounts, volumes and security contexts are those of the copied fleet. Undefined when there is nothing to copy.
 */
export function dedicatedObjects({ zone, wanted, template }: Observed): DedicatedObjects | undefined {
  const { dedicated } = zone.spec
  if (dedicated === undefined || template?.fleet === undefined) return undefined
  const { namespace, name } = parsePair(wanted.id)
  const hosts = zone.spec.layers?.max ?? zone.spec.layers?.min ?? 1
  const fleetSpec = fleetFields(template.fleet, dedicated, name, template.autoscaler === undefined ? hosts : undefined)
  const scalerSpec = template.autoscaler === undefined ? undefined : { ...template.autoscaler.spec, fleetName: name }
  // One more than needed: an update starts a new host before the old one goes.
  const bounds = { [FLEET_ANNOTATIONS.spare]: '0', [FLEET_ANNOTATIONS.min]: '0', [FLEET_ANNOTATIONS.max]: String(hosts + 1) }
  const metadata = {
    name,
    namespace,
    labels: { [ZONE_LABEL]: zone.metadata.name },
    annotations: { ...bounds, [MADE_FROM_ANNOTATION]: fingerprint([fleetSpec, scalerSpec, bounds]) },
    ownerReferences: [ownerReference(zone)],
  }
  return {
    fleet: { apiVersion: 'agones.dev/v1', kind: 'Fleet', metadata, spec: fleetSpec },
    autoscaler: scalerSpec === undefined ? undefined : autoscalerObject(metadata, scalerSpec),
  }
}

/** True when the fleet is what would be made now. */
export function isCurrent(fleet: Fleet | undefined, autoscaler: Autoscaler | undefined, made: DedicatedObjects): boolean {
  const wanted = made.fleet.metadata.annotations?.[MADE_FROM_ANNOTATION]
  return fleet?.annotations[MADE_FROM_ANNOTATION] === wanted && (made.autoscaler === undefined || autoscaler !== undefined)
}

function autoscalerObject(metadata: Manifest['metadata'], spec: Fields): Manifest {
  return { apiVersion: 'autoscaling.agones.dev/v1', kind: 'FleetAutoscaler', metadata, spec }
}

function ownerReference(zone: Zone): OwnerReference {
  return {
    apiVersion: ZONE_API_VERSION,
    kind: ZONE_KIND,
    name: zone.metadata.name,
    uid: zone.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  }
}

function fleetFields(from: Fleet, dedicated: Dedicated, name: string, replicas: number | undefined): Fields {
  // An autoscaler owns the number of replicas, and must find it untouched.
  const { replicas: _copied, template, ...rest } = from.spec
  const gameServer = record(template)
  const spec = record(gameServer['spec'])
  return {
    ...rest,
    ...(replicas === undefined ? {} : { replicas }),
    template: {
      ...gameServer,
      spec: { ...spec, template: podTemplate(record(spec['template']), text(spec['container']), dedicated, name) },
    },
  }
}

function podTemplate(template: Fields, container: string | undefined, dedicated: Dedicated, fleet: string): Fields {
  const spec = record(template['spec'])
  const containers = list(spec['containers']).map(record)
  // Agones takes the only container when none is named.
  const game = container ?? text(containers[0]?.['name'])
  const { nodeSelector, tolerations, affinity, priorityClassName } = dedicated
  const overrides = Object.entries({ nodeSelector, tolerations, affinity, priorityClassName }).filter(([, value]) => value !== undefined)
  return {
    ...template,
    spec: {
      ...withoutEmpty({ ...spec, ...Object.fromEntries(overrides) }),
      containers: containers.map((each) => (text(each['name']) === game ? gameContainer(each, dedicated, fleet) : each)),
    },
  }
}

function gameContainer(container: Fields, dedicated: Dedicated, fleet: string): Fields {
  const own = { CAPACITY: '1', FLEET: fleet }
  const copied = list(container['env']).filter((each) => !Object.hasOwn(own, text(record(each)['name']) ?? ''))
  const env = [...copied, ...Object.entries(own).map(([name, value]) => ({ name, value }))]
  return { ...container, env, ...(dedicated.resources === undefined ? {} : { resources: withoutEmpty(quantities(dedicated.resources)) }) }
}

/** Agones' schema takes quantities of a Fleet that changes as text alone, where a pod's may be numbers. */
function quantities(resources: Fields): Fields {
  const asText = (amounts: unknown): Fields =>
    Object.fromEntries(Object.entries(record(amounts)).map(([name, amount]) => [name, String(amount)]))
  return Object.fromEntries(Object.entries(resources).map(([kind, amounts]) => [kind, asText(amounts)]))
}

/** Server-side apply makes null of an object that is empty now and was not before, and the schema then refuses all of it. */
function withoutEmpty(fields: Fields): Fields {
  const isEmpty = (value: unknown): boolean => typeof value === 'object' && value !== null && Object.keys(value).length === 0
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isEmpty(value)))
}

function record(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** FNV-1a over the objects' text in a fixed order of keys: tells versions of our own manifests apart, guards nothing. */
function fingerprint(value: unknown): string {
  let hash = 0xcbf29ce484222325n
  for (const byte of new TextEncoder().encode(JSON.stringify(value, sortedKeys)))
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  return hash.toString(16).padStart(16, '0')
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
