import type { JsonObject } from '../../core/ports/store-port.ts'

/** What every object of the Kubernetes API has; the rest is each kind's own. */
export interface KubernetesObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: ObjectMeta
  readonly [field: string]: unknown
}

export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly finalizers?: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly {
    readonly kind: string
    readonly name: string
    readonly uid: string
    readonly controller?: boolean
  }[]
}

/** Where objects of one kind live: group '' is the core group; no namespace: all of them, or a kind that has none. */
export interface Resource {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly namespace?: string | undefined
  /** Lists and watches answer objects with their metadata alone. */
  readonly metadataOnly?: true
}

/** What to ask for, for a list (`List`) or a watch (''). Undefined: the objects whole. */
export function acceptOf({ metadataOnly }: Resource, list: 'List' | ''): string | undefined {
  return metadataOnly === true ? `application/json;as=PartialObjectMetadata${list};g=meta.k8s.io;v=v1` : undefined
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>

/** The URL path of a collection, or of one object of it, or of a subresource of that. */
export function resourcePath(resource: Resource, name?: string, subresource?: string): string {
  const parts = resource.group === '' ? ['/api', resource.version] : ['/apis', resource.group, resource.version]
  if (resource.namespace !== undefined) parts.push('namespaces', encodeURIComponent(resource.namespace))
  parts.push(resource.plural)
  if (name !== undefined) parts.push(encodeURIComponent(name))
  if (subresource !== undefined) parts.push(subresource)
  return parts.join('/')
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** True when the value has the metadata that every object must have; its other fields are not looked at. */
export function isKubernetesObject(value: unknown): value is KubernetesObject {
  return isRecord(value) && isRecord(value['metadata']) && typeof value['metadata']['name'] === 'string'
}

/** `namespace/name`, or the name alone for kinds without namespace. */
export function keyOf(object: KubernetesObject): string {
  const { namespace, name } = object.metadata
  return namespace === undefined ? name : `${namespace}/${name}`
}

export type Body = JsonObject | readonly JsonObject[]
