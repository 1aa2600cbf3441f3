import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { clusterName, stateDir } from './paths.ts'

/** A process of this machine that can't be mistaken for a later one with the same number: `started` is in clock ticks since boot. */
export type ProcessId = { pid: number; started: string }

export type State = {
  /** The process that waits for `init`; recorded first. */
  unshare?: ProcessId | undefined
  /** The first process of the cluster's process namespace. */
  init?: ProcessId | undefined
  /** True from the moment the cluster can be used. */
  ready: boolean
  /** What containerd holds, by the image's full name: the digest of its manifest and of everything that it is made of. */
  images: Record<string, { manifest: string; blobs: string[] }>
}

const stateFile = join(stateDir, 'state.json')

/** What is recorded of the cluster, or undefined when there is none. */
export function readState(): State | undefined {
  if (!existsSync(stateFile)) return undefined
  return JSON.parse(readFileSync(stateFile, 'utf8'))
}

export function updateState(change: Partial<State>): void {
  const next: State = { ready: false, images: {}, ...readState(), ...change }
  mkdirSync(stateDir, { recursive: true })
  writeFileSync(`${stateFile}.new`, JSON.stringify(next, null, 2))
  renameSync(`${stateFile}.new`, stateFile)
}

/** The identity of a living process, or undefined when there is none with that number. */
export function processId(pid: number): ProcessId | undefined {
  const fields = statFields(pid)
  return fields && !'ZX'.includes(fields.state) ? { pid, started: fields.started } : undefined
}

export function isAlive(id: ProcessId): boolean {
  return processId(id.pid)?.started === id.started
}

/**
 * Signals a process, unless it is gone: then nothing happens, also when it goes between the look and the signal. Many end by themselves as soon as the first of their namespace does.
 * @returns whether it was there to be signalled
 */
export function signalProcess(id: ProcessId, signal: NodeJS.Signals): boolean {
  if (!isAlive(id)) return false
  try {
    return process.kill(id.pid, signal)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false
    throw error
  }
}

/** The number of the process that started it, or undefined when it is gone. */
export function parentOf(pid: number): number | undefined {
  const fields = statFields(pid)
  return fields && Number(fields.parent)
}

function statFields(pid: number): { state: string; parent: string; started: string } | undefined {
  try {
    // The second field is the program's name in parentheses and may itself hold spaces.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    const [state, parent, started] = [fields[0], fields[1], fields[19]]
    return state && parent && started ? { state, parent, started } : undefined
  } catch {
    return undefined // No such process.
  }
}

/**
 * Takes a lock of this machine and gives back how to let it go. A lock whose holder has died counts as free.
 * @throws Error naming the holder when another process has it.
 */
export function takeLock(name: 'cluster' | 'tests'): () => void {
  const file = join(dirname(stateDir), `${clusterName}.${name}.lock`)
  mkdirSync(dirname(file), { recursive: true })
  const own = processId(process.pid)
  for (let tries = 0; tries < 3; tries++) {
    try {
      writeFileSync(file, JSON.stringify(own), { flag: 'wx' })
      return () => rmSync(file, { force: true })
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
    const holder = lockHolder(file)
    if (holder) throw new Error(`another process (${holder.pid}) is ${lockPurpose[name]}; wait for it to end (lock file ${file})`)
    rmSync(file, { force: true })
  }
  throw new Error(`could not take the lock ${file}`)
}

const lockPurpose = { cluster: 'starting, stopping or loading the test cluster', tests: 'running tests on the test cluster' }

function lockHolder(file: string): ProcessId | undefined {
  try {
    const holder: ProcessId = JSON.parse(readFileSync(file, 'utf8'))
    return isAlive(holder) ? holder : undefined
  } catch {
    return undefined // Removed meanwhile, or left half-written by a process that died.
  }
}
