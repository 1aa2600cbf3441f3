import {
  AGONES_VERSION,
  CONTAINER_ANNOTATION,
  GAMESERVER_LABEL,
  HEALTH_PORT,
  ROLE_LABEL,
  SAFE_TO_EVICT_ANNOTATION,
  SAFE_TO_EVICT_LABEL,
  SDK_SERVICE_ACCOUNT,
  SIDECAR_NAME,
  TOKEN_PATH,
  VERSION_ANNOTATION,
} from '../names.ts'
import type { Container, EvictionSafe, GameServer, Pod, PodSpec } from '../types.ts'

const SIDECAR_USER = 65532
const NO_TOKEN_VOLUME = 'empty'
/** Agones leaves these at 1 s and 3; a test machine may be so busy that a healthy sidecar takes longer. */
const PROBE_TIMEOUT_SECONDS = 5
const SIDECAR_FAILURES = 20

/** What a pod's labels and annotations say about eviction; both are kept when the template sets them. */
const EVICTION: Record<EvictionSafe, { annotation: string; label: string }> = {
  Always: { annotation: 'true', label: 'true' },
  OnUpgrade: { annotation: 'false', label: 'true' },
  Never: { annotation: 'false', label: 'false' },
}

function sidecar(server: GameServer, image: string): Container {
  const { grpcPort, httpPort, logLevel } = server.spec.sdkServer ?? {}
  return {
    name: SIDECAR_NAME,
    image,
    imagePullPolicy: 'IfNotPresent',
    args: ['test/cluster/agones-emulator/sidecar.ts', `--grpc-port=${grpcPort}`, `--http-port=${httpPort}`],
    env: [
      { name: 'GAMESERVER_NAME', value: server.metadata.name },
      { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
      { name: 'LOG_LEVEL', value: logLevel ?? 'Info' },
    ],
    livenessProbe: {
      httpGet: { path: '/healthz', port: HEALTH_PORT },
      initialDelaySeconds: 3,
      periodSeconds: 3,
      failureThreshold: SIDECAR_FAILURES,
      timeoutSeconds: PROBE_TIMEOUT_SECONDS,
    },
    resources: { requests: { cpu: '30m' } },
    restartPolicy: 'Always',
    securityContext: { allowPrivilegeEscalation: false, runAsNonRoot: true, runAsUser: SIDECAR_USER },
  }
}

function sdkPorts(server: GameServer): { name: string; value: string }[] {
  const { grpcPort, httpPort } = server.spec.sdkServer ?? {}
  return [
    { name: 'AGONES_SDK_GRPC_PORT', value: String(grpcPort) },
    { name: 'AGONES_SDK_HTTP_PORT', value: String(httpPort) },
  ]
}

function withSdkPorts(container: Container, server: GameServer): Container {
  const own = sdkPorts(server)
  const kept = (container.env ?? []).filter(({ name }) => !own.some((entry) => entry.name === name))
  return { ...container, env: [...kept, ...own] }
}

function withGamePorts(container: Container, server: GameServer): Container {
  const ports = (server.spec.ports ?? [])
    .filter((port) => port.container === container.name && port.containerPort !== undefined)
    .map((port) => ({
      containerPort: port.containerPort ?? 0,
      ...(port.hostPort === undefined || port.portPolicy === 'None' ? {} : { hostPort: port.hostPort }),
      protocol: port.protocol ?? 'UDP',
    }))
  return ports.length === 0 ? container : { ...container, ports: [...(container.ports ?? []), ...ports] }
}

/** The sidecar judges the pings; the kubelet's probe starts its clock and ends the container when it has judged. */
function withHealth(container: Container, server: GameServer): Container {
  const health = server.spec.health ?? {}
  if (health.disabled === true || container.name !== server.spec.container || container.livenessProbe !== undefined) return container
  return {
    ...container,
    livenessProbe: {
      httpGet: { path: '/gshealthz', port: HEALTH_PORT },
      initialDelaySeconds: health.initialDelaySeconds,
      periodSeconds: health.periodSeconds,
      failureThreshold: health.failureThreshold,
      timeoutSeconds: PROBE_TIMEOUT_SECONDS,
    },
  }
}

function withoutToken(container: Container, server: GameServer): Container {
  if (container.name !== server.spec.container) return container
  const mount = { name: NO_TOKEN_VOLUME, mountPath: TOKEN_PATH, readOnly: true }
  return { ...container, volumeMounts: [...(container.volumeMounts ?? []), mount] }
}

function packed(spec: PodSpec): PodSpec['affinity'] {
  const near = {
    weight: 100,
    podAffinityTerm: { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { [ROLE_LABEL]: 'gameserver' } } },
  }
  const others = spec.affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  const podAffinity = { ...spec.affinity?.podAffinity, preferredDuringSchedulingIgnoredDuringExecution: [...others, near] }
  return { ...spec.affinity, podAffinity }
}

function podSpec(server: GameServer, image: string): PodSpec {
  const spec = server.spec.template.spec ?? {}
  const ownAccount = spec.serviceAccountName === undefined || spec.serviceAccountName === ''
  const containers = (spec.containers ?? [])
    .map((container) => withGamePorts(container, server))
    .map((container) => withHealth(container, server))
    .map((container) => withSdkPorts(container, server))
    .map((container) => (ownAccount ? withoutToken(container, server) : container))
  const affinity = server.spec.scheduling === 'Packed' ? packed(spec) : spec.affinity
  return {
    ...spec,
    hostname: spec.hostname ?? server.metadata.name.replaceAll('.', '-'),
    restartPolicy: spec.restartPolicy ?? 'Never',
    serviceAccountName: ownAccount ? SDK_SERVICE_ACCOUNT : (spec.serviceAccountName ?? ''),
    initContainers: [sidecar(server, image), ...(spec.initContainers ?? []).map((container) => withSdkPorts(container, server))],
    containers,
    ...(ownAccount ? { volumes: [...(spec.volumes ?? []), { name: NO_TOKEN_VOLUME, emptyDir: {} }] } : {}),
    ...(affinity === undefined ? {} : { affinity }),
  }
}

/** Builds a game server's pod: of the server's name, owned by it, with the sidecar before all other containers. */
export function gameServerPod(server: GameServer, sidecarImage: string): Pod {
  const template = server.spec.template.metadata ?? {}
  const eviction = EVICTION[server.status?.eviction?.safe ?? 'Never']
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: server.metadata.name,
      namespace: server.metadata.namespace ?? '',
      labels: {
        [SAFE_TO_EVICT_LABEL]: eviction.label,
        ...template.labels,
        [ROLE_LABEL]: 'gameserver',
        [GAMESERVER_LABEL]: server.metadata.name,
      },
      annotations: {
        [SAFE_TO_EVICT_ANNOTATION]: eviction.annotation,
        ...template.annotations,
        [CONTAINER_ANNOTATION]: server.spec.container ?? '',
        [VERSION_ANNOTATION]: AGONES_VERSION,
      },
      ownerReferences: [
        {
          apiVersion: 'agones.dev/v1',
          kind: 'GameServer',
          name: server.metadata.name,
          uid: server.metadata.uid ?? '',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: podSpec(server, sidecarImage),
  }
}
