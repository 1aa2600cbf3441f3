import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeError } from '../core/errors.ts'

/**
 * Runs `work` with the environment of a temporary folder of its own, which goes with it: what a process that was killed in the middle of a test has left there as well. Where it can not go, because such a process still writes
 * to it, that is said, and what came of the work stands.
 */
export async function withTemporaryFolder<T>(
  work: (env: Readonly<Record<string, string>>) => Promise<T>,
  remove = removeFolder,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'bailiwick-run-'))
  try {
    return await work({ TMPDIR: folder })
  } finally {
    try {
      remove(folder)
    } catch (error) {
      console.error(`${folder} is left: ${describeError(error)}`)
    }
  }
}

function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}
