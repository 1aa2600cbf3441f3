import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Compiles a C program of the benchmarks; undefined when the machine has no gcc. It is removed when this process ends. Throws what the compiler says. */
export function compile(name: string, sources: readonly string[]): string | undefined {
  try {
    execFileSync('gcc', ['--version'], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  const folder = mkdtempSync(join(tmpdir(), 'bailiwick-bench-c-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const program = join(folder, name)
  execFileSync('gcc', ['-O2', '-Wall', '-Wextra', '-o', program, ...sources, '-lm'], { stdio: ['ignore', 'inherit', 'inherit'] })
  return program
}
