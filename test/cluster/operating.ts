import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Cluster } from './harness.ts'

/** The release of operating.test.ts. */
export const release = 'bailiwick'
export const namespace = 'operating'
export const hosts = 'operating-hosts'
export const database = 'operating'
const volumeName = 'operating-backups'

/** What an engineer gives who installs as docs/install.md says: connections in Secrets, and a few settings of their own. */
export function values(cluster: Cluster, installsCrd: boolean): object {
  const colon = cluster.images.bailiwick.lastIndexOf(':')
  const small = { replicas: 1, resources: { requests: { cpu: '10m', memory: '64Mi' } } }
  const resources = { requests: { cpu: '50m', memory: '64Mi' } }
  return {
    image: { repository: cluster.images.bailiwick.slice(0, colon), tag: cluster.images.bailiwick.slice(colon + 1) },
    crd: { install: installsCrd },
    watchNamespaces: [hosts],
    redis: { existingSecret: { name: 'bailiwick-connections', key: 'redis' } },
    mongodb: { existingSecret: { name: 'bailiwick-connections', key: 'mongodb' }, database },
    operator: small,
    allocator: small,
    auth: small,
    characters: small,
    hosts: { namespaces: [hosts], existingSecret: 'host-connections', resources, retireAfter: '7s' },
  }
}

/** The Secrets of the values, and the volume for backups: a folder of this machine where the node is this machine, else one of the default class. */
export function provisions(cluster: Cluster, folder: string): object[] {
  const redis = `${cluster.redisUrl}/8`
  const secret = (name: string, where: string, stringData: object) => ({
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: where }, stringData },
  })
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
  const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'bailiwick-backups', namespace } }
  const secrets = [
    secret('bailiwick-connections', namespace, { redis, mongodb: cluster.mongoUrl }),
    secret('host-connections', hosts, { REDIS_URL: redis, MONGODB_URL: cluster.mongoUrl }),
  ]
  if (!cluster.own) return [...secrets, { ...claim, spec }]
  const path = join(folder, 'backups')
  mkdirSync(path)
  chmodSync(path, 0o777)
  const held = { capacity: { storage: '1Gi' }, accessModes: spec.accessModes, storageClassName: '', hostPath: { path } }
  return [
    ...secrets,
    { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: volumeName }, spec: held },
    { ...claim, spec: { ...spec, storageClassName: '', volumeName } },
  ]
}

/** Removes all of it: release, zones, namespaces, volume; the CRD, if it came with them. */
export async function removeAll(cluster: Cluster, ownsCrd: boolean): Promise<void> {
  for (const name of (await cluster.helm('list', '-n', namespace, '-a', '-q')).split('\n').filter(Boolean))
    await cluster.helm('uninstall', name, '-n', namespace, '--wait', '--no-hooks')
  if ((await cluster.kubectl('get', 'crd', '-o', 'name')).includes('/zones.bailiwick.dev')) {
    for (const zone of (await cluster.kubectl('-n', hosts, 'get', 'zones', '-o', 'name')).split('\n').filter(Boolean))
      await cluster.kubectl('-n', hosts, 'patch', zone, '--type=merge', '-p', '{"metadata":{"finalizers":[]}}')
    if (ownsCrd) await cluster.kubectl('delete', 'crd', 'zones.bailiwick.dev')
  }
  await cluster.kubectl('delete', 'namespace', namespace, hosts, '--ignore-not-found', '--wait=false')
  await cluster.kubectl('delete', 'persistentvolume', volumeName, '--ignore-not-found', '--wait=false')
}
