import { spawn } from 'node:child_process'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..')
export const bin = (name: string): string => join(root, 'node_modules', '.bin', name)

/** Each worker and each program under test loads the same modules: without their types, and compiled, they are kept here, and go with node_modules. */
const compiled = { NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compiled') }

/** Runs a program with the terminal's streams and answers its exit code (128 + n for signal n). Signals to us are passed on to it. */
export async function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<number> {
  const child = spawn(command, args, { cwd: root, stdio: 'inherit', env: { ...compiled, ...process.env, ...env } })
  const pass = (signal: NodeJS.Signals) => child.kill(signal)
  process.on('SIGINT', pass).on('SIGTERM', pass)
  try {
    return await new Promise<number>((resolve, reject) => {
      child.on('error', reject)
      child.on('exit', (code, signal) => resolve(code ?? 128 + (signal === 'SIGINT' ? 2 : 15)))
    })
  } finally {
    process.off('SIGINT', pass).off('SIGTERM', pass)
  }
}

/** Arguments that make vitest also write its results as JSON, when a report is wanted (CI adds the suites up). */
export function reportArguments(name: string): readonly string[] {
  const folder = process.env['BAILIWICK_REPORTS']
  return folder === undefined ? [] : ['--reporter=default', '--reporter=json', `--outputFile.json=${join(folder, `${name}.json`)}`]
}
