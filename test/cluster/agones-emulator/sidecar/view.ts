import type { GameServer } from '../types.ts'

/** A game server as the SDK shows it; 64-bit numbers are decimal strings, times are seconds since 1970. */
export interface GameServerView {
  object_meta: {
    name: string
    namespace: string
    uid: string
    resource_version: string
    generation: string
    creation_timestamp: string
    deletion_timestamp: string
    annotations: Record<string, string>
    labels: Record<string, string>
  }
  spec: { health: { disabled: boolean; period_seconds: number; failure_threshold: number; initial_delay_seconds: number } }
  status: {
    state: string
    address: string
    addresses: { type: string; address: string }[]
    ports: { name: string; port: number }[]
    players: null
    counters: Record<string, never>
    lists: Record<string, never>
  }
}

function seconds(time: string | undefined): string {
  return time === undefined ? '0' : String(Math.floor(Date.parse(time) / 1000))
}

/** Turns a game server of the API server into the SDK's. */
export function viewOf({ metadata, spec, status }: GameServer): GameServerView {
  const health = spec.health ?? {}
  return {
    object_meta: {
      name: metadata.name,
      namespace: metadata.namespace ?? '',
      uid: metadata.uid ?? '',
      resource_version: metadata.resourceVersion ?? '',
      generation: String(metadata.generation ?? 0),
      creation_timestamp: seconds(metadata.creationTimestamp),
      deletion_timestamp: seconds(metadata.deletionTimestamp),
      annotations: metadata.annotations ?? {},
      labels: metadata.labels ?? {},
    },
    spec: {
      health: {
        disabled: health.disabled ?? false,
        period_seconds: health.periodSeconds ?? 0,
        failure_threshold: health.failureThreshold ?? 0,
        initial_delay_seconds: health.initialDelaySeconds ?? 0,
      },
    },
    status: {
      state: status?.state ?? '',
      address: status?.address ?? '',
      addresses: status?.addresses ?? [],
      ports: (status?.ports ?? []).map(({ name, port }) => ({ name: name ?? '', port })),
      players: null,
      counters: {},
      lists: {},
    },
  }
}
