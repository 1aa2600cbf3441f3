import * as k8s from '@kubernetes/client-node'

/** A structural schema of a custom resource definition. */
export interface Schema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean'
  format?: string
  nullable?: boolean
  properties?: Record<string, Schema>
  additionalProperties?: Schema
  items?: Schema
  required?: string[]
  enum?: string[]
  default?: unknown
  minimum?: number
  maximum?: number
  exclusiveMinimum?: boolean
  minLength?: number
  maxLength?: number
  maxItems?: number
  pattern?: string
  anyOf?: Schema[]
  'x-kubernetes-int-or-string'?: boolean
  'x-kubernetes-preserve-unknown-fields'?: boolean
  'x-kubernetes-validations'?: { rule: string; message: string }[]
}

interface Attribute {
  baseName: string
  type: string
}

interface Model {
  getAttributeTypeMap(): Attribute[]
}

export const INT_OR_STRING: Schema = { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }
export const STRING_MAP: Schema = { type: 'object', additionalProperties: { type: 'string' } }

const SCALARS: Record<string, Schema> = {
  string: { type: 'string' },
  number: { type: 'integer' },
  boolean: { type: 'boolean' },
  Date: { type: 'string', format: 'date-time', nullable: true },
  IntOrString: INT_OR_STRING,
  any: { 'x-kubernetes-preserve-unknown-fields': true },
}

function typeSchema(type: string): Schema {
  const scalar = SCALARS[type]
  if (scalar !== undefined) return scalar
  const element = /^Array<(.+)>$/.exec(type)?.[1]
  if (element !== undefined) return { type: 'array', items: typeSchema(element) }
  const value = /^\{ \[key: string\]: (.+); \}$/.exec(type)?.[1]
  if (value !== undefined) return { type: 'object', additionalProperties: typeSchema(value) }
  return modelSchema(type)
}

function modelSchema(name: string): Schema {
  const model = (k8s as unknown as Record<string, Model | undefined>)[name]
  if (model === undefined) throw new Error(`the Kubernetes client has no model ${name}`)
  const properties = model.getAttributeTypeMap().map((attribute): [string, Schema] => [attribute.baseName, typeSchema(attribute.type)])
  return { type: 'object', properties: Object.fromEntries(properties) }
}

/** Gives the schema of a model of the Kubernetes client, for example V1PodTemplateSpec. Quantities are text, as in Agones' definitions, though a pod's may be numbers. Throws when there is no such model. */
export function schemaOf(model: string): Schema {
  return modelSchema(model)
}
