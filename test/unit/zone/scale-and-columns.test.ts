import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { isRecord, rootSchema, type StructuralSchema } from '../../../core/zone-schema.ts'
import { validateZone } from '../../../core/zone-validation.ts'
import { parseYaml } from '../../../platform/yaml/index.ts'

const file = 'crds/zone.yaml'

interface Column {
  readonly name: string
  readonly type: string
  readonly jsonPath: string
  /** Above 0: shown with -o wide. */
  readonly priority?: number
}

interface Version {
  readonly subresources: {
    readonly status: object
    readonly scale: { readonly specReplicasPath: string; readonly statusReplicasPath: string }
  }
  readonly additionalPrinterColumns: readonly Column[]
}

const crd = parseYaml(readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8'), file) as {
  readonly spec: { readonly versions: readonly [Version] }
}
const [{ subresources, additionalPrinterColumns }] = crd.spec.versions

/** The schema of what a path like `.status.layers[0].endpoints[0]` or `.status.conditions[?(@.type=="Ready")].reason` leads to. */
function schemaAt(path: string): StructuralSchema | undefined {
  const parts = [...path.matchAll(/\[(\d+|\?\(.*?\))\]|\.([A-Za-z]+)/g)]
  return parts.reduce<StructuralSchema | undefined>(
    (schema, [, , field]) => (field === undefined ? schema?.items : schema?.properties?.[field]),
    rootSchema,
  )
}

const zone = (layers?: object): unknown => ({
  apiVersion: 'bailiwick.dev/v1alpha1',
  kind: 'Zone',
  metadata: { name: 'meadow' },
  spec: { bounds: { min: { x: 0, y: 0 }, max: { x: 9, y: 9 } }, ...(layers === undefined ? {} : { layers }) },
})

describe('kubectl get and scale', () => {
  test('every column shows a field of its type', () => {
    const named = (isWide: boolean) =>
      additionalPrinterColumns.filter(({ priority = 0 }) => priority > 0 === isWide).map(({ name }) => name)
    expect(named(false)).toEqual(['Phase', 'Players', 'Layers', 'Fleet', 'Endpoint', 'Age'])
    expect(named(true)).toEqual(['Ready', 'Hosted', 'Accepted', 'Data-Safe'])
    for (const { name, type, jsonPath } of additionalPrinterColumns) {
      if (jsonPath === '.metadata.creationTimestamp') expect(type).toBe('date')
      else expect(schemaAt(jsonPath)?.type, name).toBe(type)
    }
  })

  test('scale changes layers.min and reads layerCount; without layers there is a number to scale from', () => {
    const { specReplicasPath, statusReplicasPath } = subresources.scale
    expect([specReplicasPath, statusReplicasPath]).toEqual(['.spec.layers.min', '.status.layerCount'])
    expect([schemaAt(specReplicasPath)?.type, schemaAt(statusReplicasPath)?.type]).toEqual(['integer', 'integer'])
    expect([schemaAt('.spec.layers')?.default, schemaAt(specReplicasPath)?.default]).toEqual([{}, 1])
    expect(isRecord(subresources.status)).toBe(true)
  })

  test.each<[string, object | undefined, RegExp | undefined]>([
    ['to more, without max', { min: 7 }, undefined],
    ['to max', { min: 4, max: 4 }, undefined],
    ['beyond max', { min: 5, max: 4 }, /spec\.layers\.max must not be less than spec\.layers\.min/],
    ['to nothing', { min: 0 }, /spec\.layers\.min must be at least 1/],
    ['beyond what any zone may have', { min: 101 }, /spec\.layers\.min must be at most 100/],
  ])('scaled %s', (_name, layers, refusal) => {
    const [problem] = validateZone(zone(layers))
    if (refusal === undefined) expect(problem).toBeUndefined()
    else expect(problem?.message).toMatch(refusal)
  })
})
