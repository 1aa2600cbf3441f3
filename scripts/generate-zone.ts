import { compile } from 'json-schema-to-typescript'
import { parseYaml } from '../platform/yaml/index.ts'

type Schema = Parameters<typeof compile>[0]

/** The names of the types that are worth a name, by where they stand in the schema. */
const names: Readonly<Record<string, string>> = {
  '.spec': 'ZoneSpec',
  '.spec.dedicated': 'Dedicated',
  '.spec.dedicated.tolerations[]': 'Toleration',
  '.spec.layers': 'LayersSpec',
  '.spec.bounds': 'BoundsSpec',
  '.status': 'ZoneStatus',
  '.status.layers[]': 'LayerStatus',
  '.status.conditions[]': 'Condition',
}

/**
 * The text of core/zone.generated.ts: the types of a Zone, and its schema as data for whoever checks a manifest without an API server. Throws when the
 * CRD has no v1alpha1 schema.
 */
export async function zoneTypes(crd: string): Promise<string> {
  const schema = zoneSchema(parseYaml(crd, 'crds/zone.yaml'))
  const named = { ...withNames(schema, ''), required: ['metadata', 'spec'] }
  const types = await compile(named, 'Zone', {
    additionalProperties: false,
    ignoreMinAndMaxItems: true,
    unknownAny: true,
    bannerComment: '// Made from crds/zone.yaml by `npm run generate`. Change that file, not this one.',
    style: { singleQuote: true, semi: false, printWidth: 140 },
  })
  return `${types}
/** The schema that the API server checks a Zone with, as it stands in crds/zone.yaml. */
export const zoneSchema = ${JSON.stringify(schema, null, 2)} as const
`
}

function zoneSchema(crd: unknown): Schema {
  const versions =
    (crd as { spec?: { versions?: readonly { name: string; schema?: { openAPIV3Schema?: Schema } }[] } }).spec?.versions ?? []
  const schema = versions.find((version) => version.name === 'v1alpha1')?.schema?.openAPIV3Schema
  if (schema === undefined) throw new Error('crds/zone.yaml has no schema of version v1alpha1')
  return schema
}

/** The schema with titles where a name is wanted, readable by a plain JSON Schema compiler. */
function withNames(schema: Schema, path: string): Schema {
  const { title: _title, 'x-kubernetes-validations': _rules, ...copy } = schema
  const name = names[path]
  if (name !== undefined) copy['title'] = name
  if (path === '.metadata') return { ...copy, title: 'ObjectMeta', ...objectMeta }
  if (schema.properties !== undefined) {
    copy.properties = Object.fromEntries(Object.entries(schema.properties).map(([key, value]) => [key, withNames(value, `${path}.${key}`)]))
  }
  if (schema.items !== undefined) copy.items = withNames(schema.items, `${path}[]`)
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) copy.additionalProperties = true
  return copy
}

/** What Bailiwick reads of an object's metadata: the CRD may not describe it, since Kubernetes does. */
const objectMeta: Schema = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string' },
    namespace: { type: 'string' },
    uid: { type: 'string' },
    resourceVersion: { type: 'string' },
    generation: { type: 'integer' },
    creationTimestamp: { type: 'string' },
    deletionTimestamp: { type: 'string' },
    finalizers: { type: 'array', items: { type: 'string' } },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    annotations: { type: 'object', additionalProperties: { type: 'string' } },
  },
}
