import { zoneDefinition } from '../../api-server/objects.ts'

/** What of an OpenAPI schema is read here. */
interface Schema {
  readonly type?: string
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
  readonly maxItems?: number
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema
  readonly items?: Schema
  readonly required?: readonly string[]
}

export interface Field {
  /** Below spec, like `layers.min`. */
  readonly path: string
  /** Every interesting one; undefined: the field is absent. */
  readonly values: readonly unknown[]
}

/** What the schema's type does not say of a text: what its rules do, and names of what there is. By the end of the path. */
const texts: Readonly<Record<string, readonly string[]>> = {
  fleet: ['zone-servers', 'fast', 'nowhere', 'Not_A_Name'],
  from: ['zone-servers', 'fast', 'nowhere', 'Not_A_Name'],
  idleAfter: ['1s', '5m', '168h', '169h', '0s', 'soon', ''],
  snapshotEvery: ['1s', '1h', '61m', 'soon', ''],
  priorityClassName: ['high', 'system-node-critical'],
}

/** One element of a list of texts, or of objects. */
const elements: Readonly<Record<string, readonly unknown[]>> = {
  neighbours: [['forest'], ['forest', 'lake'], ['meadow'], ['forest', 'forest'], ['Not_A_Name']],
  tolerations: [[{ key: 'game', operator: 'Exists' }], [{ key: 'game', operator: 'Sometimes' }]],
}

/** Every field of a Zone's spec with its values, made from the schema: edges, what lies beyond them, the default, absent, another type. */
export function fieldsOfSpec(): readonly Field[] {
  const root = zoneDefinition().spec.versions[0]?.schema.openAPIV3Schema as Schema
  const spec = root.properties?.['spec']
  return Object.entries(spec?.properties ?? {}).flatMap(([name, schema]) => fieldsOf(name, schema))
}

function fieldsOf(path: string, schema: Schema): readonly Field[] {
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => fieldsOf(`${path}.${name}`, inner))
  return [{ path, values: unique([undefined, ...valuesOf(path, schema)]) }, ...below]
}

function valuesOf(path: string, schema: Schema): readonly unknown[] {
  const name = path.split('.').at(-1) ?? ''
  if (schema.enum !== undefined) return [...schema.enum, 'Otherwise', 3]
  switch (schema.type) {
    case 'boolean':
      return [true, false, 'yes']
    case 'integer':
    case 'number':
      return numbers(schema)
    case 'string':
      return [...(texts[name] ?? ['a', 'b']), ...(schema.maxLength === undefined ? [] : ['a'.repeat(schema.maxLength + 1)]), 3]
    case 'array':
      return [
        [],
        ...(elements[name] ?? [['a']]),
        Array.from({ length: (schema.maxItems ?? 0) + 1 }, (_, i) => sampleOf(schema.items, i)),
        'a',
      ]
    case 'object':
      return [{}, filled(schema, path), 'a']
    default:
      return []
  }
}

function numbers({ type, minimum, maximum, default: standard }: Schema): readonly unknown[] {
  if (type === 'number') return [-5, 0, 100, 300.5, 2_000_001, 'a']
  const [low, high] = [minimum ?? 0, maximum ?? 1_000]
  return [low - 1, low, low + 1, typeof standard === 'number' ? standard : low + 2, high, high + 1, 'a', 1.5]
}

/** An object in which every field that is required or has a plain type has its first good value. */
function filled({ properties = {}, additionalProperties }: Schema, path: string): unknown {
  if (additionalProperties !== undefined) return { cpu: '500m' }
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, firstOf(`${path}.${name}`, schema)]))
}

function firstOf(path: string, schema: Schema): unknown {
  const [first] = valuesOf(path, schema).filter((value) => !(Array.isArray(value) && value.length === 0))
  if (schema.type === 'integer') return (schema.minimum ?? 0) + 1
  return schema.type === 'object' ? filled(schema, path) : schema.type === 'number' ? (path.includes('max') ? 300.5 : 0) : first
}

function sampleOf(schema: Schema | undefined, i: number): unknown {
  if (schema?.type !== 'object') return `a${i}`
  return Object.fromEntries(
    Object.entries(schema.properties ?? {}).flatMap(([name, inner]) =>
      inner.type === 'string' && inner.enum === undefined ? [[name, `a${i}`]] : [],
    ),
  )
}

function unique(values: readonly unknown[]): readonly unknown[] {
  return [...new Map(values.map((value) => [JSON.stringify(value) ?? 'absent', value])).values()]
}

/** `spec` with the field at `path` set to `value`; undefined takes it away. */
export function withField(spec: Readonly<Record<string, unknown>>, path: string, value: unknown): Record<string, unknown> {
  const [name = '', ...rest] = path.split('.')
  const { [name]: before, ...others } = spec
  const inner = typeof before === 'object' && before !== null ? (before as Record<string, unknown>) : {}
  const next = rest.length === 0 ? value : withField(inner, rest.join('.'), value)
  return next === undefined ? others : { ...others, [name]: next }
}

/** A way through all values on which each follows each other one once: from every value to every other, and back. */
export function tour(values: readonly unknown[]): readonly unknown[] {
  const way: unknown[] = values.slice(0, 1)
  for (let i = 0; i < values.length; i++) {
    for (let j = i + 1; j < values.length; j++) way.push(values[i], values[j], values[i])
  }
  return way
}
