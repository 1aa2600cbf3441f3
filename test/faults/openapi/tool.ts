import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describeError } from '../../../core/errors.ts'
import { cacheDir } from '../../cluster/paths.ts'

const run = promisify(execFile)
const requirements = join(import.meta.dirname, 'requirements.txt')
/** Of one attempt. */
const INSTALL_LIMIT = 240_000

export interface Tool {
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/**
 * The schemathesis of requirements.txt, each package pinned by its hash, in a folder of its own in the user's cache; installed there when it is not yet. Needs Python 3.11 or newer with
 * pip; Debian's packages are installed when it is missing and we may. Throws with what to do when that fails.
 */
export async function ensureSchemathesis(): Promise<Tool> {
  const tag = await pythonTag()
  const version = createHash('sha256').update(readFileSync(requirements)).update(tag).digest('hex').slice(0, 16)
  const folder = join(cacheDir, 'tools', `schemathesis-${version}`)
  if (!existsSync(folder)) await install(folder)
  return {
    file: 'python3',
    args: ['-m', 'schemathesis.cli'],
    env: { PYTHONPATH: folder, PYTHONNOUSERSITE: '1', SCHEMATHESIS_HOOKS: join(import.meta.dirname, 'hooks.py') },
  }
}

/** Wheels are made for one minor version of Python. */
async function pythonTag(): Promise<string> {
  await ensurePython()
  const { stdout } = await run('python3', ['-c', 'import sys; print(sys.implementation.cache_tag)'])
  return stdout.trim()
}

async function ensurePython(): Promise<void> {
  try {
    await run('python3', ['-m', 'pip', '--version'])
  } catch {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    try {
      await run('apt-get', ['update', '-qq'], { env, timeout: INSTALL_LIMIT })
      await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'python3', 'python3-pip'], { env, timeout: INSTALL_LIMIT })
    } catch (cause) {
      throw new Error("schemathesis needs python3 (3.11 or newer) with pip in PATH, and Debian's packages of them could not be installed", {
        cause,
      })
    }
  }
}

async function install(folder: string): Promise<void> {
  mkdirSync(join(cacheDir, 'tools'), { recursive: true })
  const temporary = mkdtempSync(join(cacheDir, 'tools', '.schemathesis-'))
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '--retries', '3', '--timeout', '30']
  const pinned = ['--no-deps', '--only-binary=:all:', '--require-hashes', '-r', requirements]
  // What an attempt that was broken off has left there is replaced.
  const attempt = () => run('python3', [...pip, ...pinned, '--upgrade', '--target', temporary], { timeout: INSTALL_LIMIT })
  try {
    await attempt().catch(attempt).catch(attempt)
    if (!existsSync(folder)) renameSync(temporary, folder)
  } catch (cause) {
    const why = describeError(cause).slice(-2_000)
    throw new Error(
      `schemathesis can not be installed, tried three times: check that pip reaches the Python package index, then try again\n${why}`,
      { cause },
    )
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}
