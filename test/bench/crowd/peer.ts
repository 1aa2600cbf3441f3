import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(import.meta.dirname, '..', 'colyseus')
const stamp = join(folder, 'node_modules', '.bailiwick-lock')

/** Installs the other side as its lock file says, if it is not. Answers why it can't be had, or undefined. */
export function installPeer(): string | undefined {
  const wanted = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return undefined
  try {
    const options = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
    execFileSync('npm', ['install', ...options], { cwd: folder, stdio: ['ignore', 2, 2] })
    writeFileSync(stamp, wanted)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message.split('\n')[0] : String(error)
  }
}
