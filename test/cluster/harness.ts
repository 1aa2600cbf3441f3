import { existsSync, readlinkSync, statSync } from 'node:fs'
import { stringify } from 'yaml'
import { type BackendImages, backendsNamespace, deployBackends, ownBackendImages } from './backends.ts'
import { isUp, type Kubectl } from './cluster.ts'
import { type ComponentName, signalComponent, startComponent, stopComponent } from './components.ts'
import { killByContainerd, killByNode } from './containers.ts'
import { imageNames } from './images.ts'
import { kubeconfigPath, netnsPath } from './paths.ts'
import { run, type WaitOptions, waitFor } from './run.ts'
import { ensureTools, type Tools } from './tools.ts'

/** The parts of the cluster that a test may stop; only where the harness brought the cluster up. */
export type Component = {
  stop(): Promise<void>
  start(): Promise<void>
  /** STOP freezes it, CONT lets it go on, KILL ends it. */
  signal(name: 'STOP' | 'CONT' | 'KILL' | 'TERM'): Promise<void>
}

export type Cluster = {
  kubeconfig: string
  /** False on a cluster that KUBECONFIG named. */
  own: boolean
  /** Image names for pods. */
  images: { bailiwick: string; agonesEmulator: string }
  /** Redis and MongoDB by address, reachable from the tests and from pods alike. */
  redisUrl: string
  mongoUrl: string
  /** Runs kubectl and gives its output. Throws CommandError with what kubectl said. */
  kubectl(...args: string[]): Promise<string>
  /** The same for what may take longer than the usual 3 min. */
  kubectlWithin(timeoutMs: number, ...args: string[]): Promise<string>
  /** Runs kubectl with -o json and gives the parsed answer. */
  kubectlJson<T>(...args: string[]): Promise<T>
  helm(...args: string[]): Promise<string>
  /** Applies YAML text, an object or several; kubectl refuses unknown fields. `flags` are more of kubectl's, as `--dry-run=server`. */
  applyManifest(manifest: string | object | object[], ...flags: string[]): Promise<string>
  deleteManifest(manifest: string | object | object[]): Promise<string>
  /** Makes a namespace unless it exists. Game servers with host ports need `privileged`. */
  ensureNamespace(name: string, podSecurity?: 'privileged' | 'baseline' | 'restricted'): Promise<void>
  waitFor: typeof waitFor
  /** Ends the first process of a container as the kernel would: no handler of the program sees SIGKILL coming. */
  killContainer(namespace: string, pod: string, container: string, signal?: NodeJS.Signals): Promise<void>
  /** Keeps new pods away from a node (the only one, unless named) until `uncordon`. */
  cordon(node?: string): Promise<void>
  uncordon(node?: string): Promise<void>
  component(name: ComponentName): Component
}

export type { WaitOptions }

let cluster: Promise<Cluster> | undefined

/**
 * The cluster of this run, with Redis and MongoDB in it: the harness' own, or the one that KUBECONFIG names.
 * @throws Error saying how to start when there is none, or when the test does not run inside the cluster's network.
 */
export function useCluster(): Promise<Cluster> {
  cluster ??= isForeign() ? foreignCluster(process.env['KUBECONFIG'] ?? '') : ownCluster()
  return cluster
}

/** True when KUBECONFIG names a cluster that is not the harness' own. */
export function isForeign(): boolean {
  const named = process.env['KUBECONFIG']
  return named !== undefined && named !== '' && named !== kubeconfigPath
}

async function ownCluster(): Promise<Cluster> {
  const start = 'run the tests with "npm run test:cluster", or "npm run cluster up" and then "npm run cluster shell -- vitest run …"'
  if (!isUp()) throw new Error(`the cluster is not up; ${start}`)
  if (!existsSync(netnsPath) || readlinkSync('/proc/self/ns/net') !== `net:[${statSync(netnsPath).ino}]`) {
    throw new Error(`this process is not in the cluster's network; ${start}`)
  }
  const tools = await ensureTools(() => {})
  const images = { bailiwick: imageNames.bailiwick, agonesEmulator: imageNames.agonesEmulator }
  return create({
    kubeconfig: kubeconfigPath,
    kubectl: tools.file('kubectl'),
    helm: tools.file('helm'),
    images,
    backends: ownBackendImages,
    tools,
  })
}

const officialImages: BackendImages = {
  redis: process.env['BAILIWICK_REDIS_IMAGE'] ?? 'docker.io/library/redis:7.4',
  mongodb: process.env['BAILIWICK_MONGODB_IMAGE'] ?? 'docker.io/library/mongo:8.0',
}

async function foreignCluster(kubeconfig: string): Promise<Cluster> {
  const images = { bailiwick: givenImage('BAILIWICK_IMAGE'), agonesEmulator: process.env['BAILIWICK_AGONES_EMULATOR_IMAGE'] ?? '' }
  return create({ kubeconfig, kubectl: 'kubectl', helm: 'helm', images, backends: officialImages })
}

function givenImage(variable: string): string {
  const name = process.env[variable]
  if (!name)
    throw new Error(
      `KUBECONFIG names a cluster that is not the harness' own, so ${variable} must name an image it can pull (docs/cluster.md)`,
    )
  return name
}

type Parts = {
  kubeconfig: string
  kubectl: string
  helm: string
  images: Cluster['images']
  backends: BackendImages
  /** Present on the harness' own cluster. */
  tools?: Tools
}

async function create(parts: Parts): Promise<Cluster> {
  const { kubeconfig, images, tools } = parts
  const env = { KUBECONFIG: kubeconfig }
  const kubectlWithin = (timeoutMs: number, ...args: string[]) => run(parts.kubectl, args, { env, timeoutMs })
  const kubectl = (...args: string[]) => kubectlWithin(180_000, ...args)
  const kubectlJson = async <T>(...args: string[]): Promise<T> => JSON.parse(await kubectl(...args, '-o', 'json'))
  const withInput: Kubectl = (args, input = '') => run(parts.kubectl, args, { env, input, timeoutMs: 180_000 })
  const { redisUrl, mongoUrl } = await podBackends(kubectl, withInput, parts.backends)
  const onNode = async (name?: string) => name ?? (await kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}'))
  return {
    kubeconfig,
    own: tools !== undefined,
    images,
    redisUrl,
    mongoUrl,
    kubectl,
    kubectlWithin,
    kubectlJson,
    helm: (...args) => run(parts.helm, args, { env }),
    applyManifest: (manifest, ...flags) => withInput(['apply', ...flags, '-f', '-'], manifestText(manifest)),
    deleteManifest: (manifest) => withInput(['delete', '--ignore-not-found', '-f', '-'], manifestText(manifest)),
    async ensureNamespace(name, podSecurity = 'restricted') {
      const labels = { 'pod-security.kubernetes.io/enforce': podSecurity }
      await withInput(['apply', '-f', '-'], manifestText({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }))
      // Pods are refused until the controller manager has made the namespace's account.
      await waitFor(`the service account of namespace ${name}`, () => kubectl('-n', name, 'get', 'serviceaccount', 'default'))
    },
    waitFor,
    async killContainer(namespace, pod, container, signal = 'SIGKILL') {
      const target = await kubectlJson<Pod>('-n', namespace, 'get', 'pod', pod)
      const id = containerId(target, container)
      if (tools) await killByContainerd(id, signal)
      else await killByNode(withInput, kubectl, { id, signal, node: target.spec.nodeName ?? '', image: images.bailiwick })
    },
    async cordon(name) {
      await kubectl('cordon', await onNode(name))
    },
    async uncordon(name) {
      await kubectl('uncordon', await onNode(name))
    },
    component(name) {
      if (!tools) throw new Error(`${name} can only be stopped on a cluster that the harness brought up`)
      return {
        stop: () => stopComponent(name),
        start: () => startComponent(name, tools),
        signal: (signal) => signalComponent(name, signal),
      }
    },
  }
}

async function podBackends(
  kubectl: Cluster['kubectl'],
  withInput: Kubectl,
  images: BackendImages,
): Promise<Pick<Cluster, 'redisUrl' | 'mongoUrl'>> {
  await deployBackends(withInput, images)
  const [redis, mongodb] = await Promise.all(
    ['redis', 'mongodb'].map(async (name) => {
      await kubectl('-n', backendsNamespace, 'rollout', 'status', `deployment/${name}`, '--timeout=120s')
      return kubectl('-n', backendsNamespace, 'get', 'service', name, '-o', 'jsonpath={.spec.clusterIP}')
    }),
  )
  return { redisUrl: `redis://${redis}:6379`, mongoUrl: `mongodb://${mongodb}:27017` }
}

function manifestText(manifest: string | object | object[]): string {
  if (typeof manifest === 'string') return manifest
  // kubectl reads YAML 1.1, where a bare `y` is the word true.
  const text = (each: object) => stringify(each, { version: '1.1' })
  return Array.isArray(manifest) ? manifest.map(text).join('---\n') : text(manifest)
}

type ContainerStatus = { name: string; containerID?: string }
type Pod = {
  metadata: { name: string; namespace: string }
  spec: { nodeName?: string }
  status: { containerStatuses?: ContainerStatus[]; initContainerStatuses?: ContainerStatus[] }
}

/** @throws Error naming the containers there are when that one is not running. */
function containerId(pod: Pod, container: string): string {
  const all = [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])]
  const id = all.find(({ name }) => name === container)?.containerID?.replace(/^\w+:\/\//, '')
  if (!id)
    throw new Error(`pod ${pod.metadata.name} runs no container ${container}; it has ${all.map(({ name }) => name).join(', ') || 'none'}`)
  return id
}
