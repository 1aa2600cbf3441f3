import type { Fleet, GameServer, GameServerSet, GameServerState, Pod } from '../../cluster/agones-emulator/types.ts'

/** Builders of the emulator's objects for its tests. */

export function gameServer(
  name: string,
  state: GameServerState,
  more: { node?: string; deleted?: boolean; annotations?: Record<string, string> } = {},
): GameServer {
  return {
    metadata: {
      name,
      namespace: 'game',
      uid: `uid-${name}`,
      resourceVersion: '1',
      annotations: { 'agones.dev/sdk-version': '1.57.0', ...more.annotations },
      finalizers: ['agones.dev/controller'],
      ...(more.deleted === true ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: { container: 'game', template: { spec: { containers: [{ name: 'game' }] } } },
    status: { state, nodeName: more.node ?? 'n1' },
  }
}

export function gameServerSet(
  replicas: number,
  more: Partial<GameServerSet['spec']> = {},
  status: GameServerSet['status'] = {},
): GameServerSet {
  return {
    metadata: { name: 'set', namespace: 'game', uid: 'uid-set', labels: { 'agones.dev/fleet': 'fleet' } },
    spec: { replicas, scheduling: 'Packed', template: { spec: { template: {} } }, ...more },
    status,
  }
}

/** A set of a template of this version; ready, allocated and so on are its counts. */
export function versionSet(
  version: string,
  spec: number,
  counts: { ready?: number; allocated?: number; reserved?: number; shutdown?: number; other?: number } = {},
  age = 0,
): GameServerSet {
  const { ready = 0, allocated = 0, reserved = 0, shutdown = 0, other = 0 } = counts
  return {
    metadata: {
      name: `set-${version}`,
      namespace: 'game',
      uid: `uid-${version}`,
      creationTimestamp: new Date(1_000_000 + age * 1000).toISOString(),
    },
    spec: { replicas: spec, template: { metadata: { labels: { version } }, spec: { template: {} } } },
    status: {
      replicas: ready + allocated + reserved + other,
      readyReplicas: ready,
      allocatedReplicas: allocated,
      reservedReplicas: reserved,
      shutdownReplicas: shutdown,
    },
  }
}

export function fleet(version: string, replicas: number, ready = 0, more: Partial<Fleet['spec']> = {}): Fleet {
  return {
    metadata: { name: 'fleet', namespace: 'game', uid: 'uid-fleet' },
    spec: {
      replicas,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      template: { metadata: { labels: { version } }, spec: { template: {} } },
      ...more,
    },
    status: { readyReplicas: ready },
  }
}

export function pod(name: string, more: { phase?: string; reason?: string; node?: string; ip?: string; deleted?: boolean } = {}): Pod {
  return {
    metadata: { name, namespace: 'game', ...(more.deleted === true ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}) },
    spec: more.node === undefined ? {} : { nodeName: more.node },
    status: {
      phase: more.phase ?? 'Running',
      ...(more.reason === undefined ? {} : { reason: more.reason }),
      ...(more.ip === undefined ? {} : { podIPs: [{ ip: more.ip }] }),
    },
  }
}
