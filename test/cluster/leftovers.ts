import { existsSync, readFileSync } from 'node:fs'
import { cgroupFolders, clusterProcesses, mountsInState } from './namespace.ts'
import { netnsPath, stateDir } from './paths.ts'
import { isAlive, type ProcessId } from './state.ts'

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
