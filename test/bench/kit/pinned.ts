import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** The server that is measured has a core of its own, everything else has the other. */
export const SERVER_CORE = 0
export const OTHER_CORE = 1
const END_LIMIT = 3_000
/** Heap for thousands of connections, in MiB. */
const HEAP = 2_048

/** False on a machine of one core: there nothing is pinned, and what is measured is the sum of both sides. */
export const canPin = availableParallelism() > 1 && has('taskset')

function has(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Puts a running process, all its threads, on a core. */
export function pin(pid: number, core: number): void {
  if (canPin) execFileSync('taskset', ['-a', '-c', '-p', String(core), String(pid)], { stdio: 'ignore' })
}

/** A child process that answers calls; kit/served.ts is its side. */
export interface Child {
  readonly pid: number
  /** Throws what the child threw, or when it ended, or after the limit (milliseconds). */
  call<T>(name: string, argument: unknown, limitMs: number): Promise<T>
  /** Ends it: asked first, then killed. */
  end(): Promise<void>
}

interface Waiting {
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
}

/** Whatever a benchmark writes to the folder for temporary files goes here, and with it. */
export const temporaryFolder = mkdtempSync(join(tmpdir(), 'bailiwick-bench-'))
process.env['TMPDIR'] = temporaryFolder

const running = new Set<number>()
process.once('exit', () => {
  for (const pid of running) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
  rmSync(temporaryFolder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
})
// Whoever interrupts a benchmark leaves nothing behind: `exit` above comes only with an orderly end.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

/** From now on this process ends with ours, whatever ends ours in order. */
export function guard(pid: number | undefined): void {
  if (pid !== undefined) running.add(pid)
}

/** It has ended. */
export function unguard(pid: number | undefined): void {
  if (pid !== undefined) running.delete(pid)
}

/** A command that runs on one core, where that can be had. */
export function pinned(core: number, command: readonly string[]): readonly string[] {
  return canPin ? ['taskset', '-c', String(core), ...command] : command
}

/** Ends a process: asked first, then killed. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const over = once(child, 'exit')
  child.kill('SIGTERM')
  const limit = setTimeout(() => child.kill('SIGKILL'), END_LIMIT)
  await over
  clearTimeout(limit)
}

/** Starts a program of this repository on one core. `flags` are Node's own, for profiles. */
export function startChild(file: string, core: number, flags: readonly string[] = []): Child {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', `--max-old-space-size=${HEAP}`, ...flags, file]
  const [command = '', ...args] = pinned(core, node)
  const env = { ...process.env, NODE_ENV: 'production' }
  const child = spawn(command, args, { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced' })
  guard(child.pid)
  const waiting = new Map<number, Waiting>()
  let calls = 0
  child.on('message', (message: { id: number; value?: unknown; error?: string }) => {
    const call = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.error === undefined) call?.resolve(message.value as never)
    else call?.reject(new Error(message.error))
  })
  child.on('exit', (code, signal) => {
    unguard(child.pid)
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended: ${code ?? signal}`))
    waiting.clear()
  })
  const call = <T>(name: string, argument: unknown, limitMs: number): Promise<T> => {
    const id = ++calls
    const answer = new Promise<T>((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      child.send({ id, name, argument }, (error) => (error === null ? undefined : reject(error)))
    })
    return withLimit(answer, limitMs, `${file}: ${name}`)
  }
  return {
    pid: child.pid ?? 0,
    call,
    end: () => ended(child),
  }
}

/** The work's result, or an error after so long (milliseconds). */
export async function withLimit<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  const over = new AbortController()
  const late = delay(ms, undefined, { signal: over.signal }).then(() => {
    throw new Error(`${what} took more than ${ms} ms`)
  })
  late.catch(() => undefined)
  try {
    return await Promise.race([work, late])
  } finally {
    over.abort()
  }
}
