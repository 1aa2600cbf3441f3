import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { agonesEmulatorManifests, gameServerNamespaceManifests } from './agones-emulator/manifests.ts'
import { type Cluster, isForeign } from './harness.ts'
import { containerdSocket } from './paths.ts'
import { run } from './run.ts'

export const agonesNamespace = 'agones-system'

export type AgonesOptions = {
  /** Namespaces that game servers may run in. They are made when missing, open to host ports. */
  gameServerNamespaces: string[]
}

const chart = process.env['BAILIWICK_AGONES_CHART'] || undefined

/** Which one the tests run on: the real one by its chart, or as it is found on a cluster that KUBECONFIG names. */
export const agonesKind: 'emulator' | 'real' =
  chart || (isForeign() && !process.env['BAILIWICK_AGONES_EMULATOR_IMAGE']) ? 'real' : 'emulator'

/**
 * Installs Agones unless it is there, lets game servers run in these namespaces and waits until it admits them: the emulator, or the real one when BAILIWICK_AGONES_CHART
 * names the folder of its chart (BAILIWICK_AGONES_IMAGES: a folder of image archives, BAILIWICK_AGONES_VALUES: a values file) or it is installed already.
 */
export async function installAgones(cluster: Cluster, { gameServerNamespaces }: AgonesOptions): Promise<void> {
  for (const name of gameServerNamespaces) await cluster.ensureNamespace(name, 'privileged')
  if (agonesKind === 'emulator') await cluster.applyManifest(controllerManifests(cluster))
  else if (chart === undefined) await assertFound(cluster)
  else if (!(await isInstalled(cluster))) await installReal(cluster, chart)
  // Not by the chart's gameservers.namespaces: each upgrade of the chart makes new certificates and starts everything anew, and would take the account from other suites' namespaces.
  await cluster.applyManifest(gameServerNamespaces.flatMap(gameServerNamespaceManifests))
  await settled(cluster)
  for (const name of gameServerNamespaces) await admitted(cluster, name)
}

function controllerManifests(cluster: Cluster): object[] {
  return agonesEmulatorManifests({ namespace: agonesNamespace, image: cluster.images.agonesEmulator })
}

async function assertFound(cluster: Cluster): Promise<void> {
  if ((await cluster.kubectl('get', 'crd', '-o', 'name')).includes('/fleets.agones.dev')) return
  throw new Error(
    'there is no Agones on this cluster: install it, or name its chart (BAILIWICK_AGONES_CHART) or an image of the emulator (BAILIWICK_AGONES_EMULATOR_IMAGE)',
  )
}

async function isInstalled(cluster: Cluster): Promise<boolean> {
  return (await cluster.helm('list', '-q', '-n', agonesNamespace, '--deployed', '--filter', '^agones$')).trim() !== ''
}

async function installReal(cluster: Cluster, folder: string): Promise<void> {
  const images = process.env['BAILIWICK_AGONES_IMAGES']
  if (images && cluster.own) {
    for (const archive of readdirSync(images).filter((name) => /\.(tar|tgz|tar\.gz)$/.test(name))) {
      await run('ctr', ['-a', containerdSocket, '-n', 'k8s.io', 'images', 'import', join(images, archive)])
    }
  }
  const values = process.env['BAILIWICK_AGONES_VALUES']
  if (values && !existsSync(values)) throw new Error(`BAILIWICK_AGONES_VALUES names ${values}, which does not exist`)
  const files = [join(import.meta.dirname, 'agones-values.yaml'), ...(values ? [values] : [])]
  const given = files.flatMap((file) => ['-f', file])
  await cluster.helm(
    ...['upgrade', '--install', 'agones', folder, '-n', agonesNamespace, '--create-namespace', ...given],
    ...['--wait', '--timeout', '540s'],
  )
}

/** Waits until the kinds are served and every Deployment of Agones has rolled out. */
async function settled(cluster: Cluster): Promise<void> {
  const kinds = ['fleets.agones.dev', 'gameserversets.agones.dev', 'gameservers.agones.dev', 'fleetautoscalers.autoscaling.agones.dev']
  await cluster.kubectl('wait', '--for=condition=Established', '--timeout=60s', ...kinds.map((kind) => `crd/${kind}`))
  const names = await cluster.kubectl('-n', agonesNamespace, 'get', 'deployments', '-o', 'name')
  for (const name of names.split('\n').filter(Boolean)) {
    await cluster.kubectl('-n', agonesNamespace, 'rollout', 'status', name, '--timeout=120s')
  }
}

/** Waits until a Fleet is admitted: the real one's admission webhooks are reached through a Service, a moment after their pods are ready. */
async function admitted(cluster: Cluster, namespace: string): Promise<void> {
  const template = { spec: { template: { spec: { containers: [{ name: 'game', image: 'none' }] } } } }
  const fleet = {
    apiVersion: 'agones.dev/v1',
    kind: 'Fleet',
    metadata: { name: 'admission', namespace },
    spec: { replicas: 0, template },
  }
  await cluster.waitFor(`Agones to admit a Fleet in ${namespace}`, () => cluster.applyManifest(fleet, '--dry-run=server'), 120_000)
}
