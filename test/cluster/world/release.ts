import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Zone } from '../../../core/zone.ts'
import { installAgones } from '../agones.ts'
import { type Cluster, useCluster } from '../harness.ts'
import { root } from '../paths.ts'

export const release = 'bailiwick'
export const releaseNamespace = 'bailiwick'
/** Where zones and hosts live in these tests. */
export const game = 'game'
export const fleet = 'zone-servers'
export const capacity = 2

export interface World {
  readonly cluster: Cluster
  readonly authUrl: string
  readonly charactersUrl: string
  readonly allocatorUrl: string
  /** How long helm install --wait took, ms; undefined when the release was there. */
  readonly installedInMs: number | undefined
  zone(name: string): Promise<Zone>
  /** Applies a Zone of the game namespace. */
  applyZone(name: string, spec: object): Promise<void>
  deleteZone(name: string): Promise<void>
  gameServers(): Promise<readonly GameServer[]>
  /** Changes annotations of a fleet, by default the chart's: what an engineer does to change its spare. */
  annotateFleet(annotations: Readonly<Record<string, string>>, name?: string): Promise<void>
  helmInstall(): Promise<void>
}

export interface GameServer {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> }
  readonly status?: { readonly state?: string; readonly address?: string; readonly ports?: readonly { readonly port: number }[] }
}

/** The chart's values of these tests: everything small, sleep and retirement fast. */
function values(cluster: Cluster): object {
  const [repository = '', tag = ''] = splitImage(cluster.images.bailiwick)
  const small = { requests: { cpu: '20m', memory: '64Mi' } }
  return {
    image: { repository, tag, pullPolicy: cluster.own ? 'Never' : 'IfNotPresent' },
    logLevel: 'debug',
    redis: { url: cluster.redisUrl },
    mongodb: { url: cluster.mongoUrl },
    operator: { resources: small },
    allocator: { replicas: 1, resources: small },
    auth: { replicas: 1, resources: small },
    characters: { replicas: 1, resources: small },
    hosts: { namespaces: [game], capacity, spare: 1, retireAfter: '2s', resources: { requests: { cpu: '100m', memory: '96Mi' } } },
  }
}

function splitImage(image: string): readonly [string, string] {
  const colon = image.lastIndexOf(':')
  return colon > image.lastIndexOf('/') ? [image.slice(0, colon), image.slice(colon + 1)] : [image, 'latest']
}

/** Bailiwick on the cluster of this run, installed by its chart if it is not there yet. */
export async function useWorld(): Promise<World> {
  const cluster = await useCluster()
  await cluster.ensureNamespace(releaseNamespace, 'restricted')
  await cluster.ensureNamespace(game, 'privileged')
  await installAgones(cluster, { gameServerNamespaces: [game] })

  const helmInstall = async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bailiwick-values-'))
    try {
      writeFileSync(join(folder, 'values.yaml'), stringify(values(cluster)))
      const chart = join(root, 'charts', 'bailiwick')
      await cluster.helm(
        'upgrade',
        '--install',
        release,
        chart,
        '-n',
        releaseNamespace,
        '-f',
        join(folder, 'values.yaml'),
        '--wait',
        '--timeout',
        '180s',
      )
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
  let installedInMs: number | undefined
  if ((await cluster.helm('list', '-q', '-n', releaseNamespace)).trim() === '') {
    const began = Date.now()
    await helmInstall()
    installedInMs = Date.now() - began
  }
  const url = async (service: string) =>
    `http://${await cluster.kubectl('-n', releaseNamespace, 'get', 'service', `${release}-${service}`, '-o', 'jsonpath={.spec.clusterIP}')}`
  const [authUrl, charactersUrl, allocatorUrl] = await Promise.all([url('auth'), url('characters'), url('allocator')])

  return {
    cluster,
    authUrl,
    charactersUrl,
    allocatorUrl,
    installedInMs,
    helmInstall,
    zone: (name) => cluster.kubectlJson<Zone>('-n', game, 'get', 'zone', name),
    async applyZone(name, spec) {
      await cluster.applyManifest({ apiVersion: 'bailiwick.dev/v1alpha1', kind: 'Zone', metadata: { name, namespace: game }, spec })
    },
    async deleteZone(name) {
      await cluster.kubectl('-n', game, 'delete', 'zone', name, '--ignore-not-found', '--timeout=150s')
    },
    gameServers: async () => (await cluster.kubectlJson<{ items: GameServer[] }>('-n', game, 'get', 'gameservers')).items,
    async annotateFleet(annotations, name = fleet) {
      const changes = Object.entries(annotations).map(([key, value]) => `${key}=${value}`)
      await cluster.kubectl('-n', game, 'annotate', 'fleet', name, '--overwrite', ...changes)
    },
  }
}

/** The harness takes its own cluster down; somebody else's is left as it was found. What uninstallation leaves is the business of chart-install.test.ts. */
export async function leaveWorld({ cluster }: World): Promise<void> {
  if (cluster.own) return
  await cluster.kubectl('-n', game, 'delete', 'zones', '--all', '--timeout=150s')
  await cluster.helm('uninstall', release, '-n', releaseNamespace, '--wait', '--timeout', '180s')
  await cluster.kubectl('delete', 'namespace', game, releaseNamespace, '--wait=false')
}

export const square = (metres: number) => ({ min: { x: 0, y: 0 }, max: { x: metres, y: metres } })

/** Waits for a zone's phase, and gives the zone. */
export function inPhase(world: World, name: string, phase: string, timeoutMs = 60_000): Promise<Zone> {
  return world.cluster.waitFor(
    `zone ${name} to be ${phase}`,
    async () => {
      const zone = await world.zone(name)
      if (zone.status?.phase === phase && zone.status.observedGeneration === zone.metadata.generation) return zone
      throw new Error(`it is ${JSON.stringify(zone.status)}`)
    },
    { timeoutMs },
  )
}

/** Makes a fleet of that name like the chart's, with an autoscaler and no spare: what an engineer does who wants another one. */
export async function copyFleet(world: World, name: string): Promise<void> {
  const { cluster } = world
  const origin = await cluster.kubectlJson<{ spec: { replicas?: number } }>('-n', game, 'get', 'fleet', fleet)
  const { replicas: _replicas, ...spec } = origin.spec
  const autoscalers = await cluster.kubectlJson<{ items: { spec: { fleetName: string } }[] }>('-n', game, 'get', 'fleetautoscalers')
  const autoscaler = autoscalers.items.find((each) => each.spec.fleetName === fleet)
  const metadata = { name, namespace: game }
  await cluster.applyManifest([
    { apiVersion: 'agones.dev/v1', kind: 'Fleet', metadata: { ...metadata, annotations: { 'bailiwick.dev/spare': '0' } }, spec },
    { apiVersion: 'autoscaling.agones.dev/v1', kind: 'FleetAutoscaler', metadata, spec: { ...autoscaler?.spec, fleetName: name } },
  ])
}

/** Says a measured time in the test's output; nothing fails on it. */
export function report(what: string, ms: number, goal: string): void {
  console.log(`measured: ${what}: ${Math.round(ms)} ms (${goal})`)
}
