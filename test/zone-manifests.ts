/** Manifests that are accepted or refused, for the validator of the embedded world and for the API server alike. */

const head = (name = 'meadow'): string => `apiVersion: bailiwick.dev/v1alpha1\nkind: Zone\nmetadata: { name: ${name} }\n`
const bounds = 'bounds: { min: { x: 0, "y": 0 }, max: { x: 100, "y": 100 } }'
const zone = (...fields: readonly string[]): string => `${head()}spec:\n${[bounds, ...fields].map((field) => `  ${field}\n`).join('')}`
const withBounds = (text: string): string => `${head()}spec:\n  bounds: ${text}\n`

export interface BadManifest {
  readonly name: string
  readonly manifest: string
  /** What the refusal must name. */
  readonly field: string
}

export const goodManifests: readonly { readonly name: string; readonly manifest: string }[] = [
  { name: 'the smallest', manifest: zone() },
  { name: 'a shared fleet', manifest: zone('fleet: zone-servers', 'activation: Always', 'layers: { min: 2, max: 4, maxPlayers: 50 }') },
  {
    name: 'every scalar',
    manifest: zone('suspend: true', 'idleAfter: 1h30m', 'tickRate: 60', 'snapshotEvery: 1m30s', 'retention: Delete'),
  },
  {
    name: 'a dedicated fleet',
    manifest: zone(
      'dedicated: { from: zone-servers, resources: { requests: { cpu: 500m, memory: 1Gi } }, nodeSelector: { disk: fast }, tolerations: [{ key: game, operator: Exists, effect: NoSchedule }], affinity: { nodeAffinity: {} }, priorityClassName: high }',
    ),
  },
  {
    name: 'bounds at the edge of the world',
    manifest: withBounds('{ min: { x: -2000000, "y": -2000000 }, max: { x: 2000000, "y": 2000000 } }'),
  },
  { name: 'neighbours and content', manifest: zone('neighbours: [forest, cave]', 'content: { configMap: meadow.content }') },
  { name: 'max follows min', manifest: zone('layers: { min: 7 }') },
]

export const badManifests: readonly BadManifest[] = [
  { name: 'no bounds', manifest: `${head()}spec: {}\n`, field: 'spec.bounds' },
  {
    name: 'a bare y, which is the word true to kubectl',
    manifest: withBounds('{ min: { x: 0, y: 0 }, max: { x: 10, y: 10 } }'),
    field: 'spec.bounds.min.true',
  },
  {
    name: 'bounds the wrong way round',
    manifest: withBounds('{ min: { x: 10, "y": 0 }, max: { x: 0, "y": 10 } }'),
    field: 'spec.bounds.max',
  },
  {
    name: 'bounds beyond the world',
    manifest: withBounds('{ min: { x: 0, "y": 0 }, max: { x: 2000001, "y": 10 } }'),
    field: 'spec.bounds',
  },
  { name: 'max less than min', manifest: zone('layers: { min: 4, max: 2 }'), field: 'spec.layers.max' },
  { name: 'fleet and dedicated', manifest: zone('fleet: a', 'dedicated: { from: b }'), field: 'spec.fleet' },
  { name: 'an unreadable idleAfter', manifest: zone('idleAfter: soon'), field: 'spec.idleAfter' },
  { name: 'an idleAfter of nothing', manifest: zone('idleAfter: 0s'), field: 'spec.idleAfter' },
  { name: 'an empty snapshotEvery', manifest: zone('snapshotEvery: ""'), field: 'spec.snapshotEvery' },
  { name: 'a snapshotEvery of a day', manifest: zone('snapshotEvery: 24h'), field: 'spec.snapshotEvery' },
  { name: 'a tick rate out of range', manifest: zone('tickRate: 61'), field: 'spec.tickRate' },
  { name: 'an unknown activation', manifest: zone('activation: Sometimes'), field: 'spec.activation' },
  { name: 'an unknown retention', manifest: zone('retention: Burn'), field: 'spec.retention' },
  { name: 'a fleet that is no name', manifest: zone('fleet: Zone_Servers'), field: 'spec.fleet' },
  { name: 'dedicated without from', manifest: zone('dedicated: {}'), field: 'spec.dedicated.from' },
  {
    name: 'a priority class of the system',
    manifest: zone('dedicated: { from: a, priorityClassName: system-node-critical }'),
    field: 'spec.dedicated.priorityClassName',
  },
  { name: 'a misspelled field', manifest: zone('activaton: Always'), field: 'activaton' },
  { name: 'no layers at all', manifest: zone('layers: { min: 0 }'), field: 'spec.layers.min' },
  { name: 'a text where a number belongs', manifest: zone('layers: { maxPlayers: many }'), field: 'spec.layers.maxPlayers' },
  { name: 'itself as a neighbour', manifest: zone('neighbours: [forest, meadow]'), field: 'spec.neighbours' },
  { name: 'a neighbour that is named twice', manifest: zone('neighbours: [forest, forest]'), field: 'spec.neighbours' },
  { name: 'a neighbour of another namespace', manifest: zone('neighbours: [wild/forest]'), field: 'spec.neighbours' },
  {
    name: 'too many neighbours',
    manifest: zone(`neighbours: [${Array.from({ length: 17 }, (_, n) => `z${n}`).join(', ')}]`),
    field: 'spec.neighbours',
  },
  { name: 'content of nothing', manifest: zone('content: {}'), field: 'spec.content.configMap' },
  { name: 'content that is no name', manifest: zone('content: { configMap: Meadow_Content }'), field: 'spec.content.configMap' },
  { name: 'a name with a dot', manifest: `${head('mea.dow')}spec:\n  ${bounds}\n`, field: 'metadata.name' },
  { name: 'a name that is too long', manifest: `${head('m'.repeat(64))}spec:\n  ${bounds}\n`, field: 'metadata.name' },
]

export const changes: readonly {
  readonly name: string
  readonly from: string
  readonly to: string
  readonly allowed: boolean
  readonly field: string
}[] = [
  { name: 'bounds grow', from: zone(), to: withBounds('{ min: { x: -5, "y": 0 }, max: { x: 100, "y": 300 } }'), allowed: true, field: '' },
  {
    name: 'bounds shrink',
    from: zone(),
    to: withBounds('{ min: { x: 0, "y": 0 }, max: { x: 99, "y": 100 } }'),
    allowed: false,
    field: 'spec.bounds',
  },
  {
    name: 'bounds move',
    from: zone(),
    to: withBounds('{ min: { x: 10, "y": 0 }, max: { x: 110, "y": 100 } }'),
    allowed: false,
    field: 'spec.bounds',
  },
]
