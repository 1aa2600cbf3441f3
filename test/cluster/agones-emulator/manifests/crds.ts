import { AGONES_GROUP, AUTOSCALING_GROUP } from '../names.ts'
import { INT_OR_STRING, type Schema, STRING_MAP, schemaOf } from './pod-schema.ts'

const COUNT: Schema = { type: 'integer', minimum: 0 }
const PORT: Schema = { type: 'integer', minimum: 1, maximum: 65535 }
const SCHEDULING: Schema = { type: 'string', enum: ['Packed', 'Distributed'] }
const EVICTION_SAFE: Schema = { type: 'string', enum: ['Always', 'OnUpgrade', 'Never'] }
const ONE: Schema = { type: 'integer', default: 1, minimum: 1, maximum: 1 }

function object(properties: Record<string, Schema>, more: Partial<Schema> = {}): Schema {
  return { type: 'object', properties, ...more }
}

function list(items: Schema): Schema {
  return { type: 'array', nullable: true, items }
}

/** A default where objects of this kind are defaulted when they are made: a GameServer is, the template in a Fleet is not. */
function maybe(defaulted: boolean, value: unknown): Partial<Schema> {
  return defaulted ? { default: value } : {}
}

function portSchema(defaulted: boolean): Schema {
  return object({
    name: { type: 'string' },
    range: { type: 'string', ...maybe(defaulted, 'default') },
    portPolicy: { type: 'string', enum: ['Dynamic', 'Static', 'Passthrough', 'None'], ...maybe(defaulted, 'Dynamic') },
    protocol: { type: 'string', enum: ['UDP', 'TCP', 'TCPUDP'], ...maybe(defaulted, 'UDP') },
    container: { type: 'string' },
    containerPort: PORT,
    hostPort: PORT,
  })
}

function gameServerSpec(defaulted: boolean): Schema {
  return object(
    {
      template: schemaOf('V1PodTemplateSpec'),
      container: { type: 'string', maxLength: 63, pattern: '^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$' },
      ports: list(portSchema(defaulted)),
      sdkServer: object(
        {
          logLevel: { type: 'string', enum: ['Error', 'Info', 'Debug', 'Trace'], ...maybe(defaulted, 'Info') },
          grpcPort: { ...PORT, ...maybe(defaulted, 9357) },
          httpPort: { ...PORT, ...maybe(defaulted, 9358) },
        },
        maybe(defaulted, {}),
      ),
      scheduling: { ...SCHEDULING, ...maybe(defaulted, 'Packed') },
      health: object(
        {
          disabled: { type: 'boolean' },
          initialDelaySeconds: { ...COUNT, ...maybe(defaulted, 5) },
          periodSeconds: { ...COUNT, ...maybe(defaulted, 5) },
          failureThreshold: { type: 'integer', minimum: 1, ...maybe(defaulted, 3) },
        },
        maybe(defaulted, {}),
      ),
      eviction: object({ safe: { ...EVICTION_SAFE, ...maybe(defaulted, 'Never') } }, maybe(defaulted, {})),
      immutableReplicas: ONE,
    },
    { required: ['template'] },
  )
}

const TEMPLATE_RULES = [
  {
    rule: '!has(self.ports) || self.ports.all(p, (has(p.portPolicy) && p.portPolicy in ["Passthrough", "None"]) || has(p.containerPort))',
    message: 'ContainerPort must be defined for Dynamic and Static PortPolicies',
  },
  {
    rule: '!has(self.ports) || self.ports.all(p, !has(p.hostPort) || (has(p.portPolicy) && p.portPolicy in ["Static", "None"]))',
    message: 'HostPort cannot be specified with a Dynamic or Passthrough PortPolicy',
  },
]

function template(): Schema {
  const spec = { ...gameServerSpec(false), 'x-kubernetes-validations': TEMPLATE_RULES }
  const ports = spec.properties?.['ports']
  // A bound on the list bounds what the rules may cost.
  if (ports !== undefined) spec.properties = { ...spec.properties, ports: { ...ports, maxItems: 100 } }
  return object({ metadata: schemaOf('V1ObjectMeta'), spec }, { required: ['spec'] })
}

const OVERFLOW = object({ labels: STRING_MAP, annotations: STRING_MAP }, { nullable: true })

const GAME_SERVER_STATES = [
  'PortAllocation',
  'Creating',
  'Starting',
  'Scheduled',
  'RequestReady',
  'Ready',
  'Shutdown',
  'Error',
  'Unhealthy',
  'Reserved',
  'Allocated',
]

const gameServerStatus = object({
  state: { type: 'string', enum: GAME_SERVER_STATES },
  ports: list(object({ name: { type: 'string' }, port: { type: 'integer' } })),
  address: { type: 'string' },
  addresses: list(object({ type: { type: 'string' }, address: { type: 'string' } })),
  nodeName: { type: 'string' },
  reservedUntil: { type: 'string', format: 'date-time', nullable: true },
  eviction: object({ safe: EVICTION_SAFE }),
  immutableReplicas: ONE,
})

const counts = { replicas: COUNT, readyReplicas: COUNT, reservedReplicas: COUNT, allocatedReplicas: COUNT }

function setSchema(): Schema {
  const spec = { replicas: COUNT, allocationOverflow: OVERFLOW, scheduling: SCHEDULING, template: template() }
  return object({
    spec: object(spec, { required: ['replicas', 'template'] }),
    status: object({ ...counts, shutdownReplicas: COUNT }),
  })
}

function fleetSchema(): Schema {
  const step = { ...INT_OR_STRING, default: '25%' }
  const strategy = object(
    {
      type: { type: 'string', enum: ['Recreate', 'RollingUpdate'], default: 'RollingUpdate' },
      rollingUpdate: object({ maxSurge: step, maxUnavailable: step }, { nullable: true }),
    },
    { default: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } } },
  )
  const spec = {
    replicas: { ...COUNT, default: 0 },
    allocationOverflow: OVERFLOW,
    scheduling: { ...SCHEDULING, default: 'Packed' },
    strategy,
    template: template(),
  }
  return object({ spec: object(spec, { required: ['template'] }), status: object(counts) })
}

function autoscalerSchema(): Schema {
  const service = object(
    { name: { type: 'string' }, namespace: { type: 'string' }, path: { type: 'string' }, port: { type: 'integer' } },
    { required: ['namespace', 'name'] },
  )
  const webhook = object({ url: { type: 'string' }, service, caBundle: { type: 'string', format: 'byte' } }, { nullable: true })
  const fixedInterval = object({ seconds: { type: 'integer', minimum: 1 } }, { nullable: true, required: ['seconds'] })
  const sync = object(
    { type: { type: 'string', enum: ['FixedInterval'] }, fixedInterval },
    { required: ['type'], default: { type: 'FixedInterval', fixedInterval: { seconds: 30 } } },
  )
  const spec = {
    fleetName: { type: 'string' as const, minLength: 1, maxLength: 63 },
    policy: object({ type: { type: 'string', enum: ['Webhook'] }, webhook }, { required: ['type'] }),
    sync,
  }
  const status = {
    currentReplicas: { type: 'integer' as const },
    desiredReplicas: { type: 'integer' as const },
    lastScaleTime: { type: 'string' as const, format: 'date-time', nullable: true },
    ableToScale: { type: 'boolean' as const },
    scalingLimited: { type: 'boolean' as const },
    lastAppliedPolicy: { type: 'string' as const, default: '' },
  }
  return object({ spec: object(spec, { required: ['fleetName', 'policy'] }), status: object(status) })
}

interface Definition {
  group: string
  kind: string
  plural: string
  shortNames: string[]
  schema: Schema
  subresources: object
  columns: [name: string, jsonPath: string, type: string][]
}

function crd({ group, kind, plural, shortNames, schema, subresources, columns }: Definition): object {
  const all = [...columns, ['Age', '.metadata.creationTimestamp', 'date']]
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, plural, singular: kind.toLowerCase(), shortNames },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: schema },
          subresources,
          additionalPrinterColumns: all.map(([name, jsonPath, type]) => ({ name, jsonPath, type })),
        },
      ],
    },
  }
}

const scale = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.labelSelector' }
const sizeColumns: [string, string, string][] = [
  ['Scheduling', '.spec.scheduling', 'string'],
  ['Desired', '.spec.replicas', 'integer'],
  ['Current', '.status.replicas', 'integer'],
  ['Allocated', '.status.allocatedReplicas', 'integer'],
  ['Ready', '.status.readyReplicas', 'integer'],
]

/** Gives the four definitions of the slice: Fleet, GameServerSet, GameServer and FleetAutoscaler. */
export function customResourceDefinitions(): object[] {
  return [
    crd({
      group: AGONES_GROUP,
      kind: 'Fleet',
      plural: 'fleets',
      shortNames: ['flt'],
      schema: fleetSchema(),
      subresources: { status: {}, scale },
      columns: sizeColumns,
    }),
    crd({
      group: AGONES_GROUP,
      kind: 'GameServerSet',
      plural: 'gameserversets',
      shortNames: ['gss', 'gsset'],
      schema: setSchema(),
      subresources: { status: {}, scale },
      columns: sizeColumns,
    }),
    crd({
      group: AGONES_GROUP,
      kind: 'GameServer',
      plural: 'gameservers',
      shortNames: ['gs'],
      schema: object({ spec: gameServerSpec(true), status: gameServerStatus }, { required: ['spec'] }),
      // No status subresource: state and labels change in one write. The scale is what a disruption budget asks for.
      subresources: { scale: { specReplicasPath: '.spec.immutableReplicas', statusReplicasPath: '.status.immutableReplicas' } },
      columns: [
        ['State', '.status.state', 'string'],
        ['Address', '.status.address', 'string'],
        ['Port', '.status.ports[0].port', 'string'],
        ['Node', '.status.nodeName', 'string'],
      ],
    }),
    crd({
      group: AUTOSCALING_GROUP,
      kind: 'FleetAutoscaler',
      plural: 'fleetautoscalers',
      shortNames: ['fas'],
      schema: autoscalerSchema(),
      subresources: { status: {} },
      columns: [],
    }),
  ]
}
