import { type Zone, zoneSchema } from './zone.generated.ts'

/** The part of a Kubernetes structural schema that Bailiwick's own CRD uses. */
export interface StructuralSchema {
  readonly type?: string
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, StructuralSchema>>
  readonly additionalProperties?: StructuralSchema
  readonly items?: StructuralSchema
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
  readonly maxItems?: number
  readonly maxProperties?: number
  readonly 'x-kubernetes-list-type'?: string
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
  readonly 'x-kubernetes-validations'?: readonly { readonly rule: string; readonly message: string }[]
}

export const rootSchema: StructuralSchema = zoneSchema

/** A copy of the zone with the defaults of the schema filled in, as the API server fills them in before it stores an object. */
export function withDefaults(zone: Zone): Zone {
  return filled(rootSchema, zone) as Zone
}

const specSchema: StructuralSchema = rootSchema.properties?.['spec'] ?? {}

/** The same of its spec alone, which is what decisions are about. */
export function specWithDefaults({ spec }: Pick<Zone, 'spec'>): Zone['spec'] {
  return filled(specSchema, spec) as Zone['spec']
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function filled(schema: StructuralSchema, value: unknown): unknown {
  if (Array.isArray(value)) return schema.items === undefined ? value : value.map((item) => filled(schema.items ?? {}, item))
  if (!isRecord(value) || schema.properties === undefined) return value
  const copy: Record<string, unknown> = { ...value }
  for (const [key, property] of Object.entries(schema.properties)) {
    const given = copy[key] === undefined ? property.default : copy[key]
    if (given !== undefined) copy[key] = filled(property, given)
  }
  return copy
}
