import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

export type RunOptions = {
  cwd?: string
  env?: Record<string, string | undefined>
  /** Written to the command's standard input, which is then closed. */
  input?: string
  /** Milliseconds until the command is killed; 10 minutes unless told. */
  timeoutMs?: number
  /** Where standard error goes besides the error message: 'inherit' shows it while it comes. */
  stderr?: 'capture' | 'inherit'
  /** Kills the command when aborted. */
  signal?: AbortSignal | undefined
}

/** A command that ended with another code than 0. The message holds the command and the end of what it said. */
export class CommandError extends Error {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  constructor(command: string, code: number | null, stdout: string, stderr: string) {
    super(`${command}\nended with ${code === null ? 'a signal' : `code ${code}`}: ${tail(stderr.trim() || stdout.trim(), 4000)}`)
    this.name = 'CommandError'
    this.code = code
    this.stdout = stdout
    this.stderr = stderr
  }
}

/**
 * Runs a program to its end and gives back its standard output. No shell is involved.
 * @throws CommandError when it ends with another code than 0 or is killed by the deadline.
 */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env ? { ...process.env, ...options.env } : process.env,
    stdio: ['pipe', 'pipe', options.stderr === 'inherit' ? 'inherit' : 'pipe'],
    ...(options.signal ? { signal: options.signal } : {}),
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 600_000)
  try {
    return await collect(child, [program, ...args].join(' '), options.input ?? '')
  } finally {
    clearTimeout(timer)
  }
}

function collect(child: ChildProcess, command: string, input: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk))
  child.stdin?.on('error', () => {
    // The program closed its input early; its exit code tells whether that was an error.
  })
  child.stdin?.end(input)
  child.on('error', (error) => {
    reject(
      error.name === 'AbortError' ? new Error(`${command} was aborted`) : new Error(`${command} could not be started: ${error.message}`),
    )
  })
  child.on('close', (code) => {
    const out = Buffer.concat(stdout).toString()
    if (code === 0) resolve(out)
    else reject(new CommandError(tail(command, 2000), code, out, Buffer.concat(stderr).toString()))
  })
  return promise
}

/** True when the program ran and ended with code 0. */
export async function succeeds(program: string, args: readonly string[], options: RunOptions = {}): Promise<boolean> {
  return run(program, args, options).then(
    () => true,
    () => false,
  )
}

function tail(text: string, length: number): string {
  return text.length > length ? `…${text.slice(-length)}` : text
}

export type WaitOptions = { timeoutMs: number; everyMs?: number; signal?: AbortSignal | undefined }

/**
 * Asks again until the answer is neither false, null nor undefined, and gives that answer back. An exception counts as "not yet".
 * @throws Error after the deadline, with what was waited for and what was observed last.
 */
export async function waitFor<T>(
  description: string,
  ask: () => Promise<T | false | null | undefined> | T | false | null | undefined,
  options: WaitOptions | number = 30_000,
): Promise<T> {
  const { timeoutMs, everyMs = 100, signal }: WaitOptions = typeof options === 'number' ? { timeoutMs: options } : options
  const deadline = performance.now() + timeoutMs
  let last = 'nothing was observed'
  for (;;) {
    try {
      const answer = await ask()
      if (answer !== false && answer !== null && answer !== undefined) return answer
      last = `the last answer was ${String(answer)}`
    } catch (error) {
      last = `the last try failed: ${error instanceof Error ? error.message : String(error)}`
    }
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s for ${description}; ${last}`)
    signal?.throwIfAborted()
    await sleep(everyMs)
  }
}
