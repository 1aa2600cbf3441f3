import type { Zone } from './zone.generated.ts'
import { ZONE_API_VERSION, ZONE_KIND } from './zone.ts'
import { rules } from './zone-rules.ts'
import { isRecord, rootSchema, type StructuralSchema, withDefaults } from './zone-schema.ts'

/** What is wrong with one field of a manifest. */
export interface Problem {
  /** `spec.layers.max`. */
  readonly field: string
  /** A sentence that names the field. */
  readonly message: string
}

/**
 * What the API server and a strict kubectl would refuse of a manifest; empty: it is valid. `old` is the stored zone that it would replace. The types, bounds and
 * unknown fields are read from the CRD's own schema, its CEL rules from their table.
 */
export function validateZone(manifest: unknown, old?: Zone): readonly Problem[] {
  if (!isRecord(manifest)) return [{ field: '', message: 'a Zone manifest must be an object with apiVersion, kind, metadata and spec' }]
  const head: Problem[] = []
  if (manifest['apiVersion'] !== ZONE_API_VERSION) head.push({ field: 'apiVersion', message: `apiVersion must be ${ZONE_API_VERSION}` })
  if (manifest['kind'] !== ZONE_KIND) head.push({ field: 'kind', message: `kind must be ${ZONE_KIND}` })
  if (head.length > 0) return head
  const complete = withDefaults(manifest as unknown as Zone)
  const structural = checkStructure(rootSchema, complete, '')
  if (structural.length > 0) return structural
  return checkRules(rootSchema, complete, old === undefined ? undefined : withDefaults(old), '')
}

function checkStructure(schema: StructuralSchema, value: unknown, path: string): readonly Problem[] {
  const wrong = (rest: string): readonly Problem[] => [{ field: path, message: `${path === '' ? 'the manifest' : path} ${rest}` }]
  if (path === 'metadata') return []
  if (schema['x-kubernetes-int-or-string'] === true) {
    return Number.isInteger(value) || typeof value === 'string' ? [] : wrong('must be a whole number or a text')
  }
  if (!isOfType(schema.type, value)) return wrong(`must be of type ${schema.type}`)
  if (schema.enum !== undefined && !schema.enum.includes(value)) return wrong(`must be one of ${schema.enum.join(', ')}`)
  if (typeof value === 'number') {
    if (schema.minimum !== undefined && value < schema.minimum) return wrong(`must be at least ${schema.minimum}`)
    if (schema.maximum !== undefined && value > schema.maximum) return wrong(`must be at most ${schema.maximum}`)
  }
  if (typeof value === 'string' && schema.maxLength !== undefined && [...value].length > schema.maxLength) {
    return wrong(`must be at most ${schema.maxLength} characters long`)
  }
  if (Array.isArray(value)) {
    if (schema.maxItems !== undefined && value.length > schema.maxItems) return wrong(`must have at most ${schema.maxItems} items`)
    if (schema['x-kubernetes-list-type'] === 'set' && new Set(value).size < value.length) return wrong('must not name the same twice')
    return value.flatMap((item, index) => checkStructure(schema.items ?? {}, item, `${path}[${index}]`))
  }
  return isRecord(value) ? checkObject(schema, value, path) : []
}

function checkObject(schema: StructuralSchema, value: Readonly<Record<string, unknown>>, path: string): readonly Problem[] {
  const problems: Problem[] = []
  const at = (key: string): string => (path === '' ? key : `${path}.${key}`)
  for (const key of schema.required ?? []) {
    if (value[key] === undefined) problems.push({ field: at(key), message: `${at(key)} is required` })
  }
  if (schema.maxProperties !== undefined && Object.keys(value).length > schema.maxProperties) {
    problems.push({ field: path, message: `${path} must have at most ${schema.maxProperties} entries` })
  }
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue
    const known = schema.properties?.[key] ?? schema.additionalProperties
    if (known !== undefined) problems.push(...checkStructure(known, item, at(key)))
    else if (schema['x-kubernetes-preserve-unknown-fields'] !== true)
      problems.push({ field: at(key), message: `${at(key)} is not a field of a Zone${hint(key)}` })
  }
  return problems
}

function hint(key: string): string {
  return key === 'true' ? ': write "y" in quotes, since a bare y is the word true in YAML' : ''
}

function checkRules(schema: StructuralSchema, value: unknown, old: unknown, path: string): readonly Problem[] {
  const problems: Problem[] = []
  for (const { message } of schema['x-kubernetes-validations'] ?? []) {
    const rule = rules[message]
    if (rule === undefined) throw new Error(`core/zone-rules.ts lacks the rule "${message}" of crds/zone.yaml`)
    if (!rule(value, old)) problems.push({ field: path, message })
  }
  // A list's items have no former values: they are told apart by what they are, not by their place.
  if (Array.isArray(value) && schema.items !== undefined) {
    const { items } = schema
    return [...problems, ...value.flatMap((item, index) => checkRules(items, item, undefined, `${path}[${index}]`))]
  }
  if (!isRecord(value)) return problems
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    if (value[key] === undefined) continue
    problems.push(...checkRules(property, value[key], isRecord(old) ? old[key] : undefined, path === '' ? key : `${path}.${key}`))
  }
  return problems
}

function isOfType(type: string | undefined, value: unknown): boolean {
  switch (type) {
    case 'object':
      return isRecord(value)
    case 'array':
      return Array.isArray(value)
    case 'integer':
      return Number.isInteger(value)
    case 'number':
      return typeof value === 'number' && Number.isFinite(value)
    case 'string':
      return typeof value === 'string'
    case 'boolean':
      return typeof value === 'boolean'
    default:
      return true
  }
}
