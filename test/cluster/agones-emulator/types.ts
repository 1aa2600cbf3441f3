/** The objects of the emulated slice, with only the fields that the emulator reads or writes. */

export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

export interface Meta {
  name: string
  namespace?: string
  generateName?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
  ownerReferences?: OwnerReference[]
}

export interface KubeObject {
  apiVersion?: string
  kind?: string
  metadata: Meta
}

export type GameServerState =
  | 'PortAllocation'
  | 'Creating'
  | 'Starting'
  | 'Scheduled'
  | 'RequestReady'
  | 'Ready'
  | 'Allocated'
  | 'Reserved'
  | 'Shutdown'
  | 'Unhealthy'
  | 'Error'

export type EvictionSafe = 'Always' | 'OnUpgrade' | 'Never'
export type Scheduling = 'Packed' | 'Distributed'

export interface GameServerPort {
  name?: string
  portPolicy?: 'Dynamic' | 'Static' | 'Passthrough' | 'None'
  range?: string
  container?: string
  containerPort?: number
  hostPort?: number
  protocol?: 'UDP' | 'TCP' | 'TCPUDP'
}

export interface Health {
  disabled?: boolean
  periodSeconds?: number
  failureThreshold?: number
  initialDelaySeconds?: number
}

export interface GameServerSpec {
  container?: string
  ports?: GameServerPort[]
  health?: Health
  scheduling?: Scheduling
  sdkServer?: { logLevel?: string; grpcPort?: number; httpPort?: number }
  eviction?: { safe?: EvictionSafe }
  template: { metadata?: Partial<Meta>; spec?: PodSpec }
  immutableReplicas?: number
}

export interface NodeAddress {
  type: string
  address: string
}

export interface GameServerStatus {
  state?: GameServerState
  ports?: { name?: string; port: number }[] | null
  address?: string
  addresses?: NodeAddress[] | null
  nodeName?: string
  reservedUntil?: string | null
  eviction?: { safe?: EvictionSafe }
  immutableReplicas?: number
}

export interface GameServer extends KubeObject {
  spec: GameServerSpec
  status?: GameServerStatus
}

export interface GameServerTemplate {
  metadata?: Partial<Meta>
  spec: GameServerSpec
}

export interface AllocationOverflow {
  labels?: Record<string, string>
  annotations?: Record<string, string>
}

export interface GameServerSetStatus {
  replicas: number
  readyReplicas: number
  reservedReplicas: number
  allocatedReplicas: number
  shutdownReplicas: number
}

export interface GameServerSet extends KubeObject {
  spec: { replicas: number; allocationOverflow?: AllocationOverflow | null; scheduling?: Scheduling; template: GameServerTemplate }
  status?: Partial<GameServerSetStatus>
}

export interface FleetStatus {
  replicas: number
  readyReplicas: number
  reservedReplicas: number
  allocatedReplicas: number
}

export interface RollingUpdate {
  maxSurge?: number | string
  maxUnavailable?: number | string
}

export interface Fleet extends KubeObject {
  spec: {
    replicas?: number
    allocationOverflow?: AllocationOverflow | null
    scheduling?: Scheduling
    strategy?: { type?: 'RollingUpdate' | 'Recreate'; rollingUpdate?: RollingUpdate | null }
    template: GameServerTemplate
  }
  status?: Partial<FleetStatus>
}

export interface WebhookPolicy {
  url?: string
  service?: { name: string; namespace: string; path?: string; port?: number }
  caBundle?: string
}

export interface FleetAutoscaler extends KubeObject {
  spec: {
    fleetName: string
    policy: { type: string; webhook?: WebhookPolicy | null }
    sync?: { type: string; fixedInterval?: { seconds: number } | null }
  }
  status?: {
    currentReplicas?: number
    desiredReplicas?: number
    lastScaleTime?: string | null
    ableToScale?: boolean
    scalingLimited?: boolean
    lastAppliedPolicy?: string
  }
}

export interface ContainerPort {
  containerPort: number
  hostPort?: number
  protocol?: string
}

export interface Container {
  name: string
  image?: string
  args?: string[]
  env?: { name: string; value?: string; valueFrom?: unknown }[]
  ports?: ContainerPort[]
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[]
  livenessProbe?: unknown
  restartPolicy?: string
  imagePullPolicy?: string
  resources?: unknown
  securityContext?: unknown
}

export interface PodSpec {
  nodeName?: string
  hostname?: string
  restartPolicy?: string
  serviceAccountName?: string
  containers?: Container[]
  initContainers?: Container[]
  volumes?: { name: string; emptyDir?: Record<string, never> }[]
  affinity?: { podAffinity?: { preferredDuringSchedulingIgnoredDuringExecution?: unknown[] } }
}

export interface Pod extends KubeObject {
  spec: PodSpec
  status?: { phase?: string; reason?: string; podIPs?: { ip: string }[] }
}

export interface Node extends KubeObject {
  spec?: { unschedulable?: boolean }
  status?: { addresses?: NodeAddress[] }
}
