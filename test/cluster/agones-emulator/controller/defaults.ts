import { AGONES_VERSION, FINALIZER, SAFE_TO_EVICT_ANNOTATION, VERSION_ANNOTATION } from '../names.ts'
import type { EvictionSafe, Fleet, GameServer, GameServerPort, GameServerSpec, Health } from '../types.ts'

/** What a fleet's rolling update uses when it is not told otherwise. */
export const DEFAULT_STEP = '25%'

function positive(value: number | undefined, fallback: number): number {
  return value === undefined || value <= 0 ? fallback : value
}

function defaultHealth(health: Health): Health {
  if (health.disabled === true) return health
  return {
    ...health,
    periodSeconds: positive(health.periodSeconds, 5),
    failureThreshold: positive(health.failureThreshold, 3),
    initialDelaySeconds: positive(health.initialDelaySeconds, 5),
  }
}

function defaultPort(port: GameServerPort, container: string): GameServerPort {
  return {
    ...port,
    portPolicy: port.portPolicy ?? 'Dynamic',
    range: port.range ?? 'default',
    protocol: port.protocol ?? 'UDP',
    container: port.container ?? container,
  }
}

function gameContainer(spec: GameServerSpec): string {
  const containers = spec.template.spec?.containers ?? []
  return containers.length === 1 ? (containers[0]?.name ?? '') : (spec.container ?? '')
}

/** Fills in what a game server's spec leaves out. */
export function defaultGameServerSpec(spec: GameServerSpec): GameServerSpec {
  const container = gameContainer(spec)
  return {
    ...spec,
    container,
    ...(spec.ports === undefined ? {} : { ports: spec.ports.map((port) => defaultPort(port, container)) }),
    health: defaultHealth(spec.health ?? {}),
    scheduling: spec.scheduling ?? 'Packed',
    sdkServer: {
      logLevel: spec.sdkServer?.logLevel ?? 'Info',
      grpcPort: spec.sdkServer?.grpcPort ?? 9357,
      httpPort: spec.sdkServer?.httpPort ?? 9358,
    },
    eviction: { safe: spec.eviction?.safe ?? 'Never' },
  }
}

function evictionSafe(spec: GameServerSpec): EvictionSafe {
  if (spec.template.metadata?.annotations?.[SAFE_TO_EVICT_ANNOTATION] === 'true') return 'Always'
  return spec.eviction?.safe ?? 'Never'
}

/** Gives the game server as it is when it has just been made: defaults, finalizer, version and first state. */
export function defaultGameServer(server: GameServer): GameServer {
  const spec = defaultGameServerSpec(server.spec)
  const dynamic = (spec.ports ?? []).some((port) => port.portPolicy === 'Dynamic' || port.portPolicy === 'Passthrough')
  const finalizers = server.metadata.finalizers ?? []
  return {
    ...server,
    metadata: {
      ...server.metadata,
      annotations: { ...server.metadata.annotations, [VERSION_ANNOTATION]: AGONES_VERSION },
      finalizers: finalizers.includes(FINALIZER) ? finalizers : [...finalizers, FINALIZER],
    },
    spec,
    status: {
      ...server.status,
      state: server.status?.state ?? (dynamic ? 'PortAllocation' : 'Creating'),
      eviction: { safe: evictionSafe(spec) },
    },
  }
}

/** Tells whether a game server went through `defaultGameServer`. */
export function isDefaulted(server: GameServer): boolean {
  return server.metadata.annotations?.[VERSION_ANNOTATION] !== undefined && server.status?.state !== undefined
}

/** Fills in what a fleet leaves out; its template stays as it is. */
export function defaultFleet(fleet: Fleet): Fleet {
  const type = fleet.spec.strategy?.type ?? 'RollingUpdate'
  const steps = fleet.spec.strategy?.rollingUpdate
  const rollingUpdate = { maxSurge: steps?.maxSurge ?? DEFAULT_STEP, maxUnavailable: steps?.maxUnavailable ?? DEFAULT_STEP }
  return {
    ...fleet,
    metadata: { ...fleet.metadata, annotations: { ...fleet.metadata.annotations, [VERSION_ANNOTATION]: AGONES_VERSION } },
    spec: {
      ...fleet.spec,
      replicas: fleet.spec.replicas ?? 0,
      scheduling: fleet.spec.scheduling ?? 'Packed',
      strategy: type === 'RollingUpdate' ? { type, rollingUpdate } : { type },
    },
  }
}

/** Tells whether a fleet went through `defaultFleet`. */
export function isFleetDefaulted(fleet: Fleet): boolean {
  return fleet.metadata.annotations?.[VERSION_ANNOTATION] !== undefined
}
