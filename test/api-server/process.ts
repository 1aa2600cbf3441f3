import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

const END_LIMIT = 5_000
const TAIL = 2_000

export interface Program {
  readonly pid: number
  /** Throws, with the end of its log, once it has ended by itself. */
  check(): void
  /** Ends it: asked first, killed after 5 s. */
  stop(): Promise<void>
}

const running = new Set<number>()
let guarded = false

/** What a test process leaves when it ends without its hooks. */
function guard(): void {
  if (guarded) return
  guarded = true
  process.once('exit', () => {
    for (const pid of running) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
  })
}

/** Starts a server program that writes to a log file. It ends with this process in all orderly ends of it. */
export function startProgram(command: readonly string[], logFile: string): Program {
  guard()
  const log = openSync(logFile, 'a')
  const [program = '', ...args] = command
  const child: ChildProcess = spawn(program, args, { stdio: ['ignore', log, log] })
  closeSync(log)
  const { pid } = child
  if (pid === undefined) throw new Error(`${program} could not be started`)
  running.add(pid)
  child.once('exit', () => running.delete(pid))
  return {
    pid,
    check() {
      if (child.exitCode === null && child.signalCode === null) return
      throw new Error(`${program} ended with ${child.exitCode ?? child.signalCode}: ${readFileSync(logFile, 'utf8').slice(-TAIL)}`)
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), END_LIMIT)
      await ended
      clearTimeout(late)
    },
  }
}

/** Asks until the answer is true; a throw counts as no. Throws when a program has ended, or after the limit (ms). */
export async function until(ask: () => Promise<boolean>, programs: readonly Program[], limitMs: number, what: string): Promise<void> {
  const end = performance.now() + limitMs
  let last: unknown
  for (;;) {
    for (const program of programs) program.check()
    try {
      if (await ask()) return
    } catch (error) {
      last = error
    }
    if (performance.now() > end) throw new Error(`${what}: not within ${limitMs} ms`, { cause: last })
    await delay(50)
  }
}
