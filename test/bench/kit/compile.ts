import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { temporaryFolder } from './pinned.ts'

/** Compiles a C program of the benchmarks; undefined when the machine has no gcc. It goes with the benchmark's folder (kit/pinned.ts). Throws what the compiler says. */
export function compile(name: string, sources: readonly string[]): string | undefined {
  try {
    execFileSync('gcc', ['--version'], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  const program = join(temporaryFolder, name)
  execFileSync('gcc', ['-O2', '-Wall', '-Wextra', '-o', program, ...sources, '-lm'], { stdio: ['ignore', 'inherit', 'inherit'] })
  return program
}
