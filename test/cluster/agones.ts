import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { agonesEmulatorManifests } from './agones-emulator/manifests.ts'
import type { Cluster } from './harness.ts'
import { containerdSocket } from './paths.ts'
import { run } from './run.ts'

export const agonesNamespace = 'agones-system'

export type AgonesOptions = {
  /** Namespaces that game servers may run in. They are made when missing, open to host ports. */
  gameServerNamespaces: string[]
}

/** Which one the tests run on. */
export const agonesKind: 'emulator' | 'real' = process.env['BAILIWICK_AGONES_CHART'] ? 'real' : 'emulator'

/**
 * Installs Agones and waits until it answers: the emulator, or the real one when BAILIWICK_AGONES_CHART names the folder of its chart
 * (BAILIWICK_AGONES_IMAGES: a folder of image archives, BAILIWICK_AGONES_VALUES: a values file). Calling it again changes the namespaces.
 */
export async function installAgones(cluster: Cluster, options: AgonesOptions): Promise<void> {
  for (const name of options.gameServerNamespaces) await cluster.ensureNamespace(name, 'privileged')
  const chart = process.env['BAILIWICK_AGONES_CHART']
  if (chart) await installReal(cluster, chart, options)
  else await installEmulator(cluster, options)
}

/** Removes what installAgones has installed, with every Fleet and game server. */
export async function uninstallAgones(cluster: Cluster, options: AgonesOptions): Promise<void> {
  const kinds = 'fleetautoscalers.autoscaling.agones.dev,fleets.agones.dev,gameserversets.agones.dev,gameservers.agones.dev'
  await cluster.kubectl('delete', kinds, '--all', '--all-namespaces', '--ignore-not-found', '--timeout=120s')
  if (process.env['BAILIWICK_AGONES_CHART']) await cluster.helm('uninstall', 'agones', '-n', agonesNamespace, '--wait')
  else await cluster.deleteManifest(emulatorManifests(cluster, options))
}

function emulatorManifests(cluster: Cluster, options: AgonesOptions): object[] {
  const { gameServerNamespaces } = options
  return agonesEmulatorManifests({ namespace: agonesNamespace, image: cluster.images.agonesEmulator, gameServerNamespaces })
}

async function installEmulator(cluster: Cluster, options: AgonesOptions): Promise<void> {
  if (!cluster.images.agonesEmulator) {
    throw new Error(
      'on another cluster, name the real Agones (BAILIWICK_AGONES_CHART) or an image of the emulator (BAILIWICK_AGONES_EMULATOR_IMAGE)',
    )
  }
  await cluster.applyManifest(emulatorManifests(cluster, options))
  await settled(cluster)
}

async function installReal(cluster: Cluster, chart: string, options: AgonesOptions): Promise<void> {
  const images = process.env['BAILIWICK_AGONES_IMAGES']
  if (images && cluster.own) {
    for (const archive of readdirSync(images).filter((name) => /\.(tar|tgz|tar\.gz)$/.test(name))) {
      await run('ctr', ['-a', containerdSocket, '-n', 'k8s.io', 'images', 'import', join(images, archive)])
    }
  }
  const values = process.env['BAILIWICK_AGONES_VALUES']
  if (values && !existsSync(values)) throw new Error(`BAILIWICK_AGONES_VALUES names ${values}, which does not exist`)
  const namespaces = `gameservers.namespaces={${options.gameServerNamespaces.join(',')}}`
  const given = values ? ['-f', values] : []
  await cluster.helm(
    'upgrade',
    '--install',
    'agones',
    chart,
    '-n',
    agonesNamespace,
    '--create-namespace',
    ...given,
    '--set',
    namespaces,
    '--wait',
  )
  await settled(cluster)
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
