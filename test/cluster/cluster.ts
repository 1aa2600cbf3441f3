import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { freemem } from 'node:os'
import { join } from 'node:path'
import { deployBackends, deployDns } from './backends.ts'
import { componentNames, startComponent, writeConfigurations } from './components.ts'
import { buildImages } from './images.ts'
import { createCgroups, createNetwork, destroyNamespaces, inNetwork, removeState, startInit } from './namespace.ts'
import { type Image, sendImages } from './oci.ts'
import { ensurePackages } from './packages.ts'
import { clusterName, containerdFolder, containerdSocket, keptLogsDir, kubeconfigPath, logDir, node } from './paths.ts'
import { createPki } from './pki.ts'
import { waitFor } from './run.ts'
import { isAlive, readState, takeLock, updateState } from './state.ts'
import { ensureTools, type Tools } from './tools.ts'

type Say = (line: string) => void

/** True while a cluster of ours is up and can be used. */
export function isUp(): boolean {
  const state = readState()
  return state?.ready === true && state.init !== undefined && isAlive(state.init)
}

/**
 * Brings the cluster up; when it is up already, only says so. What a broken start left behind is removed first.
 * @returns true when this call brought it up
 * @param signal when aborted, the start is given up and undone
 * @throws Error when another process is at it, or when a part does not come up in time. Nothing is left then but the logs.
 */
export async function up(say: Say, signal?: AbortSignal): Promise<boolean> {
  const release = takeLock('cluster')
  try {
    if (isUp()) return false
    if (readState()) say('removing what an earlier start left behind')
    await takeDown()
    await ensurePackages(say)
    const tools = await ensureTools(say, signal)
    try {
      await start(tools, say, signal)
    } catch (error) {
      if (!signal?.aborted) say(`logs are kept in ${keepLogs()}`)
      await takeDown()
      throw error
    }
    return true
  } finally {
    release()
  }
}

/** Takes the cluster down, whatever state it is in, and leaves no process, mount or namespace of it. */
export async function down(): Promise<void> {
  const release = takeLock('cluster')
  try {
    await takeDown()
  } finally {
    release()
  }
}

async function takeDown(): Promise<void> {
  await destroyNamespaces()
  removeState()
}

async function start(tools: Tools, say: Say, signal?: AbortSignal): Promise<void> {
  const step = (line: string) => {
    signal?.throwIfAborted()
    say(line)
  }
  mkdirSync(logDir, { recursive: true })
  updateState({ ready: false })
  step('network and certificates')
  createCgroups()
  await createNetwork()
  // Unpacking images is most of a start; with memory to spare it stays off the disk.
  const imagesInMemory = freemem() > 8 * 2 ** 30
  await startInit(tools.file('pause'), imagesInMemory ? [containerdFolder] : [])
  await createPki()
  writeConfigurations(imagesInMemory)
  await Promise.all([startComponent('etcd', tools), startComponent('containerd', tools)])
  await startComponent('apiserver', tools)
  step('images')
  const [images] = await Promise.all([
    buildImages(tools),
    waitFor('containerd', () => existsSync(containerdSocket), { timeoutMs: 60_000, signal }),
  ])
  await importImages(images, signal)
  step('API server')
  const kubectl = kubectlOf(tools, signal)
  await waitFor('the API server to be ready', () => kubectl(['get', '--raw', '/readyz']), { timeoutMs: 180_000, signal })
  for (const name of componentNames.slice(2)) if (name !== 'containerd') await startComponent(name, tools)
  step('node')
  await deployDns(kubectl)
  await deployBackends(kubectl)
  await kubectl(['wait', 'node', node.name, '--for=condition=Ready', '--timeout=180s'])
  step('DNS, Redis and FerretDB')
  await Promise.all(
    ['kube-system/coredns', 'bailiwick-backends/redis', 'bailiwick-backends/mongodb'].map((each) => {
      const [namespace = '', name = ''] = each.split('/')
      return kubectl(['-n', namespace, 'rollout', 'status', `deployment/${name}`, '--timeout=180s'])
    }),
  )
  updateState({ ready: true })
}

export type Kubectl = (args: readonly string[], input?: string) => Promise<string>

/** kubectl in the cluster's network, for callers outside of it. */
export function kubectlOf(tools: Tools, signal?: AbortSignal): Kubectl {
  return (args, input = '') => inNetwork(tools.file('kubectl'), ['--kubeconfig', kubeconfigPath, ...args], { input, signal })
}

/** Builds the images from the sources as they are now and gives containerd those that changed. Answers their names. */
export async function load(say: Say): Promise<string[]> {
  if (!isUp()) throw new Error('the cluster is not up; start it with: npm run cluster up')
  const release = takeLock('cluster')
  try {
    return await importImages(await buildImages(await ensureTools(say)))
  } finally {
    release()
  }
}

/** Gives containerd an image more, which stays until the cluster goes. */
export async function loadImage(image: Image): Promise<void> {
  await importImages([image])
}

async function importImages(images: Image[], signal?: AbortSignal): Promise<string[]> {
  const before = readState()?.images ?? {}
  const changed = images.filter(({ name, manifest }) => before[name]?.manifest !== manifest.digest)
  if (changed.length === 0) return []
  const present = new Set(Object.values(before).flatMap(({ blobs }) => blobs))
  await sendImages(changed, present, ['ctr', '-a', containerdSocket, '-n', 'k8s.io', 'images', 'import', '-'], signal)
  const now = changed.map(({ name, manifest, blobs }) => [name, { manifest: manifest.digest, blobs: blobs.map(({ digest }) => digest) }])
  updateState({ images: { ...before, ...Object.fromEntries(now) } })
  return changed.map(({ name }) => name)
}

const keptLogs = 5

/** Copies the logs out of the state folder, so that they outlive the cluster; the oldest of several copies go. Answers the folder. */
export function keepLogs(): string {
  const target = join(keptLogsDir, `${new Date().toISOString().replaceAll(':', '-')}-${clusterName}`)
  mkdirSync(keptLogsDir, { recursive: true })
  if (existsSync(logDir)) cpSync(logDir, target, { recursive: true })
  for (const old of readdirSync(keptLogsDir).toSorted().slice(0, -keptLogs)) rmSync(join(keptLogsDir, old), { recursive: true })
  return target
}
