import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { clusterName, netnsName, netnsPath, node, stateDir } from './paths.ts'
import { run, waitFor } from './run.ts'
import { isAlive, type ProcessId, parentOf, processId, readState, signalProcess, updateState } from './state.ts'

/*
 * All processes of the cluster live in a process namespace, a mount namespace and a network namespace of their own. Its first process is the one
 * thing to remember: when it is killed, the kernel ends every other process in there and lets go of every mount, however far a start had come.
 */

/** Folders that Kubernetes' parts write to by fixed paths: inside they are empty and private, outside nobody sees a change. */
const privateFolders = ['/run', '/var/lib', '/var/log']

/** Makes the network namespace: a loopback, and a pair of virtual interfaces whose one end carries the node's address (kubelet refuses a loopback one). */
export async function createNetwork(): Promise<void> {
  await run('ip', ['netns', 'add', netnsName])
  const ip = (...args: string[]) => run('ip', ['-n', netnsName, ...args])
  await ip('link', 'set', 'lo', 'up')
  await ip('link', 'add', node.interface, 'type', 'veth', 'peer', 'name', `${node.interface}p`)
  await ip('link', 'set', `${node.interface}p`, 'up')
  await ip('addr', 'add', `${node.ip}/24`, 'dev', node.interface)
  await ip('link', 'set', node.interface, 'up')
  await ip('route', 'add', 'default', 'via', node.ip, 'dev', node.interface)
  await inNetwork('sh', ['-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet'])
}

/**
 * Starts the first process of the process and mount namespaces. It reaps and waits, and everything ends with it.
 * @param inMemory folders of the state that are kept in memory, besides those that must be private
 */
export async function startInit(pause: string, inMemory: string[]): Promise<void> {
  const hidden = privateFolders.filter((folder) => existsSync(folder) && !stateDir.startsWith(`${folder}/`))
  const mounts = [...hidden, ...inMemory].map((folder) => `mkdir -p ${folder} && mount -t tmpfs -o mode=755 bailiwick ${folder}`)
  const script = [...mounts, `exec ${pause}`].join(' && ')
  const log = openSync(join(stateDir, 'log', 'init.log'), 'a')
  const child = spawn(
    'nsenter',
    [
      `--net=${netnsPath}`,
      'unshare',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount',
      '--propagation',
      'private',
      '--mount-proc',
      'sh',
      '-c',
      script,
    ],
    { detached: true, stdio: ['ignore', log, log] },
  )
  const started = Promise.withResolvers<number>()
  child.once('error', started.reject)
  child.once('spawn', () => started.resolve(child.pid ?? 0))
  const pid = await started.promise
  child.unref()
  updateState({ unshare: processId(pid) })
  const init = await waitFor('the first process of the cluster', () => readyInit(pid, pause), 30_000)
  updateState({ init })
}

function readyInit(parent: number, pause: string): ProcessId | undefined {
  const [child] = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').split(' ').filter(Boolean)
  if (child === undefined || readlinkSync(`/proc/${child}/exe`) !== pause) return undefined
  return processId(Number(child))
}

/** Runs a program in the cluster's network, with this machine's files and processes around it. */
export function inNetwork(program: string, args: readonly string[], options: Parameters<typeof run>[2] = {}): Promise<string> {
  return run('nsenter', [`--net=${netnsPath}`, program, ...args], options)
}

/** Runs a program inside all of the cluster's namespaces, where containerd's mounts and processes are seen. */
export function inCluster(program: string, args: readonly string[], options: Parameters<typeof run>[2] = {}): Promise<string> {
  const init = readState()?.init
  if (!init || !isAlive(init)) throw new Error('the cluster is not up; start it with: npm run cluster up')
  return run('nsenter', ['-t', String(init.pid), '--pid', '--mount', '--net', '--', program, ...args], options)
}

/** Every process of the cluster: its parts and whatever else is in its network, and the pods' by their control group. Never the caller itself. */
export function clusterProcesses(): ProcessId[] {
  const inPods = allPids().filter((pid) => controlGroups(pid).includes(`:/${clusterName}/`))
  const ids = [...processesInNetwork(), ...inPods.flatMap((pid) => processId(Number(pid)) ?? [])]
  return [...new Map(ids.map((id) => [id.pid, id])).values()]
}

function processesInNetwork(): ProcessId[] {
  if (!existsSync(netnsPath)) return []
  const inode = `net:[${statSync(netnsPath).ino}]`
  const pids = allPids().filter((pid) => Number(pid) !== process.pid && linkOf(`/proc/${pid}/ns/net`) === inode)
  return pids.flatMap((pid) => processId(Number(pid)) ?? [])
}

function allPids(): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
}

function controlGroups(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8')
  } catch {
    return '' // The process ended meanwhile.
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined // The process ended meanwhile.
  }
}

/** Ends everything of the cluster and waits until the kernel has let go of it. Safe to call in any state, also twice. */
export async function destroyNamespaces(): Promise<void> {
  const state = readState()
  if (state?.ready) await dismissVisitors()
  const recorded = [state?.init, state?.unshare].filter((each) => each !== undefined && each !== null)
  const all = [...recorded, ...clusterProcesses()]
  for (const each of all) signalProcess(each, 'SIGKILL')
  await waitFor('the processes of the cluster to end', () => !all.some(isAlive), 30_000)
  if (existsSync(netnsPath)) await run('ip', ['netns', 'del', netnsName])
  await waitFor('the control groups of the cluster to be empty', removeCgroups, 30_000)
}

/** Asks shells and tests that only use the cluster's network to end, and gives them 20 s to clean up after themselves. */
async function dismissVisitors(): Promise<void> {
  const here = linkOf('/proc/self/ns/pid')
  const recorded = readState()?.unshare?.pid
  const visitors = processesInNetwork().filter(({ pid }) => pid !== recorded && linkOf(`/proc/${pid}/ns/pid`) === here)
  const pids = new Set(visitors.map(({ pid }) => pid))
  // What a visitor has started is for the visitor to end: it may need it to clean up.
  for (const each of visitors) if (!pids.has(parentOf(each.pid) ?? 0)) signalProcess(each, 'SIGHUP')
  await waitFor('visitors to end', () => !visitors.some(isAlive), 20_000).catch(() => {
    // Who is still there is killed with the rest.
  })
}

/** The cluster's control group in each hierarchy of this machine: one a controller (version 1), or a single one (version 2). */
export function cgroupFolders(): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return lines.flatMap((line) => (/ - cgroup2? /.test(line) ? join(line.split(' ')[4] ?? '', clusterName) : []))
}

/**
 * The pods' share of the processors in the units of each version of control groups: that of four processes. More would be at the cost of the API server, and of the tests' own
 * clients, which are one process each: with sixteen, clients were away for ten seconds where their layer was for a tenth of one.
 */
const share = { 'cpu.shares': 4 * 1024, 'cpu.weight': 4 * 100 }

/**
 * kubelet wants its root group to exist in every hierarchy before it starts. All pods together weigh as much as one process beside it, unless they are given more: where others
 * use the machine too, dozens of pods would have to do with a few percent of it, which no node that is left to its pods knows.
 */
export function createCgroups(): void {
  for (const folder of cgroupFolders()) {
    mkdirSync(folder, { recursive: true })
    for (const [file, value] of Object.entries(share)) if (existsSync(join(folder, file))) writeFileSync(join(folder, file), String(value))
  }
}

function removeCgroups(): boolean {
  for (const folder of cgroupFolders()) removeGroup(folder)
  return true
}

function removeGroup(folder: string): void {
  if (!existsSync(folder)) return
  for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) removeGroup(join(folder, entry.name))
  rmdirSync(folder)
}

/** Removes the state folder, after making sure that nothing is mounted in it. */
export function removeState(): void {
  const mounted = mountsInState()
  if (mounted.length > 0) throw new Error(`not removing ${stateDir}: still mounted there: ${mounted.join(', ')}`)
  rmSync(stateDir, { recursive: true, force: true })
}

/** What is mounted at or below the state folder, as this process sees it. */
export function mountsInState(): string[] {
  const text = readFileSync('/proc/self/mountinfo', 'utf8')
  const points = text.split('\n').flatMap((line) => line.split(' ')[4] ?? [])
  return points.filter((point) => point === stateDir || point.startsWith(`${stateDir}/`))
}
