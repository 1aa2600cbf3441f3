import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Zone, zoneSettings } from '../../../core/zone.ts'
import { rules } from '../../../core/zone-rules.ts'
import { rootSchema, type StructuralSchema, withDefaults } from '../../../core/zone-schema.ts'
import { validateZone } from '../../../core/zone-validation.ts'
import { parseManifests, parseYaml } from '../../../platform/yaml/index.ts'
import { badManifests, changes, goodManifests } from '../../zone-manifests.ts'

const read = (text: string): unknown => parseYaml(text, 'test')
const crd = readFileSync(`${import.meta.dirname}/../../../crds/zone.yaml`, 'utf8')

function messages(schema: StructuralSchema): readonly string[] {
  const below = [...Object.values(schema.properties ?? {}), ...(schema.items === undefined ? [] : [schema.items])]
  return [...(schema['x-kubernetes-validations'] ?? []).map((rule) => rule.message), ...below.flatMap(messages)]
}

describe('a Zone manifest without an API server', () => {
  test('every CEL rule of the CRD has its mirror, and no mirror is left over', () => {
    expect([...messages(rootSchema)].sort()).toEqual(Object.keys(rules).sort())
  })

  test.each(goodManifests)('$name is accepted', ({ manifest }) => {
    expect(validateZone(read(manifest))).toEqual([])
  })

  test.each(badManifests)('$name is refused with a sentence that names $field', ({ manifest, field }) => {
    const problems = validateZone(read(manifest))
    expect(problems.map((problem) => problem.message).join('\n')).toContain(field)
  })

  test.each(changes)('$name: allowed is $allowed', ({ from, to, allowed, field }) => {
    const problems = validateZone(read(to), read(from) as Zone)
    expect(problems.length === 0).toBe(allowed)
    if (!allowed) expect(problems[0]?.message).toContain(field)
  })

  test.each([null, 'text', 7, [], { apiVersion: 'v1', kind: 'Pod' }])('%j is no Zone', (value) => {
    expect(validateZone(value).length).toBeGreaterThan(0)
  })
})

describe('defaults and settings', () => {
  const zone: Zone = {
    metadata: { name: 'meadow', namespace: 'game', uid: 'u1' },
    spec: { bounds: { min: { x: 0, y: 0 }, max: { x: 10, y: 10 } } },
  }

  test('the schema fills in what the API server would', () => {
    expect(withDefaults(zone).spec).toEqual({
      ...zone.spec,
      activation: 'OnDemand',
      suspend: false,
      idleAfter: '5m',
      layers: { min: 1, maxPlayers: 300 },
      tickRate: 20,
      snapshotEvery: '30s',
      retention: 'Retain',
    })
  })

  test('settings hold the whole spec in machine units; max follows min', () => {
    expect(zoneSettings({ ...zone, spec: { ...zone.spec, layers: { min: 3 }, idleAfter: '1h30m' } }, 'game/zone-servers')).toEqual({
      zone: 'game/meadow',
      uid: 'u1',
      generation: 1,
      fleet: 'game/zone-servers',
      activation: 'OnDemand',
      suspended: false,
      idleAfterMs: 5_400_000,
      layers: { min: 3, max: 3, maxPlayers: 300 },
      bounds: zone.spec.bounds,
      tickRateHz: 20,
      snapshotEveryMs: 30_000,
    })
  })

  test('a Zone without uid has no settings', () => {
    expect(() => zoneSettings({ ...zone, metadata: { name: 'meadow' } }, 'game/f')).toThrow('no metadata.uid')
  })
})

describe('YAML', () => {
  test('several documents, empty ones left out', () => {
    expect(parseManifests('---\na: 1\n---\n---\nb: 2\n', 'f')).toEqual([{ a: 1 }, { b: 2 }])
  })

  test.each(['a: [', 'a: 1\na: 2', 'x: "'])('%j is refused with the place', (text) => {
    expect(() => parseManifests(text, 'zones/meadow.yaml')).toThrow(/zones\/meadow\.yaml.*line \d+/s)
  })

  test('the CRD itself reads', () => {
    expect(parseYaml(crd, 'crds/zone.yaml')).toHaveProperty('metadata.name', 'zones.bailiwick.dev')
  })
})
