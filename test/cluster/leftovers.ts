import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cgroupFolders, mountsInState, processesInNetwork } from './namespace.ts'
import { clusterName, netnsPath, stateDir } from './paths.ts'
import { isAlive, type ProcessId, processId } from './state.ts'

/** All processes of the running cluster: its parts, and the pods' by their control group. */
export function clusterProcesses(): ProcessId[] {
  const inNetwork = new Set(processesInNetwork().map(({ pid }) => pid))
  const inPods = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && controlGroups(name).includes(`:/${clusterName}/`))
  return [...new Set([...inNetwork, ...inPods.map(Number)])].filter((pid) => pid !== process.pid).flatMap((pid) => processId(pid) ?? [])
}

function controlGroups(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8')
  } catch {
    return '' // The process ended meanwhile.
  }
}

/**
 * What a cluster that was taken down has left behind, a sentence each; nothing when all is well.
 * @param before the processes it had while it was up
 */
export function leftovers(before: ProcessId[]): string[] {
  const alive = [...before, ...clusterProcesses()].filter(isAlive)
  const paths = [netnsPath, stateDir, ...cgroupFolders()].filter((path) => existsSync(path))
  return [
    ...alive.map(({ pid }) => `process ${pid} still lives: ${commandLine(pid)}`),
    ...mountsInState().map((path) => `still mounted: ${path}`),
    ...paths.map((path) => `still there: ${path}`),
  ]
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').slice(0, 200)
  } catch {
    return 'ended just now'
  }
}
