import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { ZONE_FINALIZER } from '../../core/zone.ts'
import { installAgones } from './agones.ts'
import { ownBackendImages } from './backends.ts'
import { type Cluster, useCluster } from './harness.ts'
import { root } from './paths.ts'
import { CommandError } from './run.ts'

const chart = join(root, 'charts', 'bailiwick')
const release = 'charted'
const namespace = 'charted-system'
const hosts = 'charted-hosts'
const trialNamespace = 'charted-trial'
/** Much more than is needed: a busy machine is no failure of the chart. */
vi.setConfig({ testTimeout: 600_000 })

const folder = mkdtempSync(join(tmpdir(), 'bailiwick-chart-'))
let cluster: Cluster
/** The CRD is of the whole cluster: on one that has it already it is left alone. */
let ownsCrd: boolean

interface Item {
  metadata: { name: string; uid: string; finalizers?: string[] }
  status?: { phase?: string; layers?: { epoch?: number }[] }
  data?: Record<string, string>
}

const list = async (kind: string, where: string): Promise<Item[]> =>
  (await cluster.kubectlJson<{ items: Item[] }>('-n', where, 'get', kind)).items
const names = async (kind: string, where: string): Promise<string[]> =>
  (await list(kind, where)).map((item) => item.metadata.name).toSorted()
const crdExists = async (): Promise<boolean> => (await cluster.kubectl('get', 'crd', '-o', 'name')).includes('/zones.bailiwick.dev')

const small = { replicas: 1, resources: { requests: { cpu: '10m', memory: '64Mi' } } }

/** Values that fit the test cluster: its image, its Redis and MongoDB, small requests, and no zones but those of this suite. */
function fitted(): Record<string, unknown> {
  const colon = cluster.images.bailiwick.lastIndexOf(':')
  return {
    image: { repository: cluster.images.bailiwick.slice(0, colon), tag: cluster.images.bailiwick.slice(colon + 1) },
    crd: { install: ownsCrd },
    watchNamespaces: [hosts],
    redis: { url: `${cluster.redisUrl}/9` },
    mongodb: { url: cluster.mongoUrl, database: 'charted' },
    operator: { ...small, replicas: 2 },
    allocator: small,
    auth: small,
    characters: small,
    hosts: { namespaces: [hosts], resources: { requests: { cpu: '50m', memory: '64Mi' } } },
  }
}

function deploy(change: object = {}, from = chart): Promise<string> {
  const file = join(folder, 'values.json')
  writeFileSync(file, JSON.stringify({ ...fitted(), ...change }))
  return cluster.helm('upgrade', '--install', release, from, '-n', namespace, '-f', file, '--wait', '--timeout', '300s')
}

const zone = (name: string, spec: object = {}) => ({
  apiVersion: 'bailiwick.dev/v1alpha1',
  kind: 'Zone',
  metadata: { name, namespace: hosts },
  spec: { activation: 'Always', bounds: { min: { x: 0, y: 0 }, max: { x: 100, y: 100 } }, ...spec },
})

const running = (name: string, epochAbove = 0) =>
  cluster.waitFor(
    `zone ${name} to run with an epoch above ${epochAbove}`,
    async () => {
      const item = await cluster.kubectlJson<Item>('-n', hosts, 'get', 'zone', name)
      const epoch = item.status?.layers?.[0]?.epoch ?? 0
      if (item.status?.phase === 'Running' && epoch > epochAbove) return { item, epoch }
      throw new Error(`its status is ${JSON.stringify(item.status)}`)
    },
    180_000,
  )

beforeAll(async () => {
  cluster = await useCluster()
  ownsCrd = !(await crdExists())
  await cluster.ensureNamespace(namespace, 'restricted')
  await cluster.ensureNamespace(trialNamespace, 'restricted')
  await installAgones(cluster, { gameServerNamespaces: [hosts] })
})

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  if (cluster === undefined) return
  for (const where of [namespace, trialNamespace]) {
    for (const name of (await cluster.helm('list', '-n', where, '-a', '-q')).split('\n').filter(Boolean)) {
      await cluster.helm('uninstall', name, '-n', where, '--wait', '--no-hooks')
    }
  }
  if (await crdExists()) {
    for (const name of await names('zones', hosts)) {
      await cluster.kubectl('-n', hosts, 'patch', 'zone', name, '--type=merge', '-p', '{"metadata":{"finalizers":[]}}')
    }
    if (ownsCrd) await cluster.kubectl('delete', 'crd', 'zones.bailiwick.dev')
  }
  await cluster.kubectl('delete', 'namespace', namespace, trialNamespace, hosts, '--ignore-not-found', '--wait=false')
})

test('for a trial it brings its own Redis and MongoDB, as restricted as the rest', async () => {
  const { redis: _redis, mongodb: _mongodb, watchNamespaces: _all, ...rest } = fitted()
  // A node of the tests has no storage class; FerretDB in MongoDB's place has no cache to set.
  const noVolume = { enabled: true, persistence: { enabled: false } }
  const images = cluster.own ? ownBackendImages : { redis: 'redis:7.4', mongodb: 'mongo:8.0' }
  const args = ['--bind_ip_all', '--dbpath', '/data/db']
  const values = {
    ...rest,
    crd: { install: false },
    hosts: { enabled: false },
    operator: { ...small, replicas: 0 },
    redis: { embedded: { ...noVolume, image: images.redis } },
    mongodb: { embedded: { ...noVolume, image: images.mongodb, args } },
  }
  const file = join(folder, 'trial.json')
  writeFileSync(file, JSON.stringify(values))
  await cluster.helm('install', 'trial', chart, '-n', trialNamespace, '-f', file, '--wait', '--timeout', '300s')
  expect(await names('statefulsets', trialNamespace)).toEqual(['trial-bailiwick-mongodb', 'trial-bailiwick-redis'])
  await cluster.helm('uninstall', 'trial', '-n', trialNamespace, '--no-hooks')
})

test('installs into a namespace of Pod Security restricted and serves a zone', async () => {
  await deploy()
  const said = await cluster.helm('get', 'notes', release, '-n', namespace)
  expect(said).toContain(`kubectl get zones -n ${hosts}`)
  await cluster.applyManifest(zone('meadow'))
  await running('meadow')
})

test('an upgrade of services, or of nothing but the chart, replaces no host and keeps the signing key', async () => {
  const key = async () => (await cluster.kubectlJson<Item>('-n', namespace, 'get', 'secret', `${release}-bailiwick-signing-key`)).data
  const keyBefore = await key()
  const setsBefore = await names('gameserversets', hosts)
  const { epoch } = await running('meadow')

  const newer = join(folder, 'newer')
  cpSync(chart, newer, { recursive: true })
  const chartFile = join(newer, 'Chart.yaml')
  writeFileSync(chartFile, readFileSync(chartFile, 'utf8').replace(/^version: .*/m, 'version: 9.9.9'))
  await deploy({ auth: { ...small, podAnnotations: { 'example.dev/restarted': 'yes' } } }, newer)

  expect(await cluster.helm('list', '-n', namespace)).toContain('bailiwick-9.9.9')
  expect(await key()).toEqual(keyBefore)
  expect(await names('gameserversets', hosts)).toEqual(setsBefore)
  expect((await running('meadow')).epoch).toBe(epoch)
})

test('an upgrade with a bad value is refused with a sentence and changes nothing', async () => {
  const before = await cluster.helm('list', '-n', namespace, '-o', 'json')
  const refusal = await deploy({ hosts: { namespaces: [hosts], capacity: 0 } }).then(
    () => 'it was accepted',
    (error: unknown) => (error instanceof CommandError ? error.stderr : String(error)),
  )
  expect(refusal).toMatch(/\/hosts\/capacity.*minimum/s)
  expect(await cluster.helm('list', '-n', namespace, '-o', 'json')).toBe(before)
})

test('uninstalled, it has closed every layer and leaves the CRD and the zones, free of finalizers, and nothing else', async () => {
  await cluster.applyManifest(zone('arena', { dedicated: { from: 'zone-servers' } }))
  await running('arena')
  await cluster.helm('uninstall', release, '-n', namespace, '--wait', '--cascade', 'foreground', '--timeout', '300s')

  const zones = await list('zones', hosts)
  expect(zones.map((item) => [item.metadata.name, item.metadata.finalizers ?? [], item.status?.phase])).toEqual([
    ['arena', [], 'Pending'],
    ['meadow', [], 'Pending'],
  ])
  await cluster.waitFor(
    'all of it to be gone',
    async () => {
      const own = 'deployments,statefulsets,jobs,pods,services,secrets,leases,roles,rolebindings,networkpolicies,poddisruptionbudgets'
      const inNamespace = await cluster.kubectl('-n', namespace, 'get', own, '-o', 'name')
      const ofHosts = 'fleets,fleetautoscalers,gameservers,pods,secrets,networkpolicies,roles,rolebindings'
      const inHosts = await cluster.kubectl('-n', hosts, 'get', ofHosts, '-o', 'name')
      const rights = await cluster.kubectl(
        'get',
        'clusterroles,clusterrolebindings',
        '-l',
        `app.kubernetes.io/instance=${release}`,
        '-o',
        'name',
      )
      // What Agones keeps in a namespace for its game servers is not ours.
      const left = [inNamespace, inHosts, rights]
        .join('\n')
        .split('\n')
        .filter((name) => name !== '' && !name.includes('agones'))
      if (left.length > 0) throw new Error(`left: ${left.join(', ')}`)
      return true
    },
    180_000,
  )
  expect(await names('serviceaccounts', namespace)).toEqual(['default'])
})

test('installed again, it takes the zones up where they were', async () => {
  await deploy()
  const { item } = await running('meadow', 1)
  expect(item.metadata.finalizers).toEqual([ZONE_FINALIZER])
  await running('arena', 1)
})

test('uninstalled with deleteZones, it deletes the zones too', async () => {
  await deploy({ uninstall: { deleteZones: true } })
  await cluster.helm('uninstall', release, '-n', namespace, '--wait', '--timeout', '300s')
  expect(await names('zones', hosts)).toEqual([])
})
