import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ZONE_FINALIZER } from '../../core/zone.ts'
import { installAgones } from './agones.ts'
import { chartValues } from './chart-values.ts'
import { type Cluster, useCluster } from './harness.ts'
import { root } from './paths.ts'
import { CommandError } from './run.ts'

const chart = join(root, 'charts', 'bailiwick')
const release = 'charted'
const namespace = 'charted-system'
const hosts = 'charted-hosts'
const folder = mkdtempSync(join(tmpdir(), 'bailiwick-chart-'))
let cluster: Cluster

interface Item {
  metadata: { name: string; uid: string; generation?: number; finalizers?: string[]; deletionTimestamp?: string }
  status?: { phase?: string; players?: number; layers?: { epoch?: number }[]; state?: string; readyReplicas?: number }
  data?: Record<string, string>
}

const list = async (kind: string, where: string): Promise<Item[]> =>
  (await cluster.kubectlJson<{ items: Item[] }>('-n', where, 'get', kind)).items
const names = async (kind: string, where: string): Promise<string[]> =>
  (await list(kind, where)).map((item) => item.metadata.name).toSorted()

function valuesFile(values: object): string {
  const file = join(folder, `values-${Math.random().toString(36).slice(2)}.json`)
  writeFileSync(file, JSON.stringify(values))
  return file
}

const values = (change: object = {}) => {
  const base = chartValues(cluster, { hostNamespaces: [hosts], database: 'charted', redisDatabase: 9 })
  return valuesFile({ ...base, ...change })
}

const deploy = (from: string, file: string) =>
  cluster.helm('upgrade', '--install', release, from, '-n', namespace, '-f', file, '--wait', '--timeout', '120s')

const zone = (name: string) => ({
  apiVersion: 'bailiwick.dev/v1alpha1',
  kind: 'Zone',
  metadata: { name, namespace: hosts },
  spec: { activation: 'Always', bounds: { min: { x: 0, y: 0 }, max: { x: 100, y: 100 } } },
})

const running = (name: string, epochAbove = 0) =>
  cluster.waitFor(
    `zone ${name} to run`,
    async () => {
      const item = await cluster.kubectlJson<Item>('-n', hosts, 'get', 'zone', name)
      const epoch = item.status?.layers?.[0]?.epoch ?? 0
      return item.status?.phase === 'Running' && epoch > epochAbove ? { item, epoch } : false
    },
    60_000,
  )

beforeAll(async () => {
  cluster = await useCluster()
  await cluster.ensureNamespace(namespace, 'restricted')
  await cluster.ensureNamespace(hosts, 'privileged')
  await installAgones(cluster, { gameServerNamespaces: [hosts] })
})

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  const installed = await cluster?.helm('list', '-n', namespace, '-q')
  if (installed?.includes(release)) await cluster.helm('uninstall', release, '-n', namespace, '--wait', '--no-hooks')
  for (const item of await list('zones', hosts).catch(() => [])) {
    await cluster.kubectl('-n', hosts, 'patch', 'zone', item.metadata.name, '--type=merge', '-p', '{"metadata":{"finalizers":[]}}')
  }
  await cluster?.kubectl('delete', 'namespace', namespace, hosts, '--ignore-not-found', '--wait=false')
  await cluster?.kubectl('delete', 'crd', 'zones.bailiwick.dev', '--ignore-not-found')
})

test('installs into a namespace of Pod Security restricted and serves a zone', async () => {
  await deploy(chart, values())
  const said = await cluster.helm('get', 'notes', release, '-n', namespace)
  expect(said).toContain(`kubectl get zones -n ${hosts}`)
  await cluster.applyManifest(zone('meadow'))
  await running('meadow')
})

test('an upgrade of services, or of nothing but the chart, replaces no host and keeps the signing key', async () => {
  const keyBefore = await cluster.kubectlJson<Item>('-n', namespace, 'get', 'secret', `${release}-bailiwick-signing-key`)
  const fleetBefore = await cluster.kubectlJson<Item>('-n', hosts, 'get', 'fleet', 'zone-servers')
  const setsBefore = await names('gameserversets', hosts)
  const { epoch } = await running('meadow')

  const newer = join(folder, 'newer')
  cpSync(chart, newer, { recursive: true })
  const chartFile = join(newer, 'Chart.yaml')
  writeFileSync(chartFile, readFileSync(chartFile, 'utf8').replace(/^version: .*/m, 'version: 9.9.9'))
  await deploy(newer, values({ characters: { replicas: 1 }, auth: { podAnnotations: { 'example.dev/restarted': 'yes' } } }))

  expect(await cluster.helm('list', '-n', namespace)).toContain('bailiwick-9.9.9')
  expect((await names('deployments', namespace)).length).toBe(4)
  const keyAfter = await cluster.kubectlJson<Item>('-n', namespace, 'get', 'secret', `${release}-bailiwick-signing-key`)
  expect(keyAfter.data).toEqual(keyBefore.data)
  const fleetAfter = await cluster.kubectlJson<Item>('-n', hosts, 'get', 'fleet', 'zone-servers')
  expect(fleetAfter.metadata.uid).toBe(fleetBefore.metadata.uid)
  expect(await names('gameserversets', hosts)).toEqual(setsBefore)
  expect((await running('meadow')).epoch).toBe(epoch)
})

test('an upgrade with a bad value is refused with a sentence and changes nothing', async () => {
  const before = await cluster.helm('list', '-n', namespace, '-o', 'json')
  const refusal = await deploy(chart, values({ hosts: { namespaces: [hosts], capacity: 0 } })).then(
    () => 'it was accepted',
    (error: unknown) => (error instanceof CommandError ? error.stderr : String(error)),
  )
  expect(refusal).toMatch(/\/hosts\/capacity.*minimum/s)
  expect(await cluster.helm('list', '-n', namespace, '-o', 'json')).toBe(before)
})

test('uninstalled, it has closed every layer and leaves the CRD and the zones, free of finalizers, and nothing else', async () => {
  await cluster.applyManifest({ ...zone('arena'), spec: { ...zone('arena').spec, dedicated: { from: 'zone-servers' } } })
  await running('arena')
  await cluster.helm('uninstall', release, '-n', namespace, '--wait', '--cascade', 'foreground', '--timeout', '180s')

  const zones = await list('zones', hosts)
  expect(zones.map((item) => [item.metadata.name, item.metadata.finalizers ?? [], item.status?.phase])).toEqual([
    ['arena', [], 'Pending'],
    ['meadow', [], 'Pending'],
  ])
  for (const kind of ['fleets', 'fleetautoscalers', 'secrets', 'networkpolicies']) expect(await names(kind, hosts), kind).toEqual([])
  for (const kind of ['deployments', 'statefulsets', 'jobs', 'services', 'secrets', 'leases', 'roles', 'rolebindings', 'networkpolicies']) {
    expect(await names(kind, namespace), kind).toEqual([])
  }
  expect(await names('serviceaccounts', namespace)).toEqual(['default'])
  const clusterWide = await cluster.kubectl(
    'get',
    'clusterroles,clusterrolebindings',
    '-l',
    `app.kubernetes.io/instance=${release}`,
    '-o',
    'name',
  )
  expect(clusterWide).toBe('')
  await cluster.waitFor('host pods to be gone', async () => (await names('pods', hosts)).length === 0, 60_000)
})

test('installed again, it takes the zones up where they were', async () => {
  await deploy(chart, values())
  const { item } = await running('meadow', 1)
  expect(item.metadata.finalizers).toEqual([ZONE_FINALIZER])
  await running('arena', 1)
})

test('uninstalled with deleteZones, it deletes the zones too', async () => {
  await deploy(chart, values({ uninstall: { deleteZones: true } }))
  await cluster.helm('uninstall', release, '-n', namespace, '--wait', '--timeout', '180s')
  expect(await names('zones', hosts)).toEqual([])
})
