// Installs the locked dependencies when they are missing or out of date. Runs on whatever Node the machine has (20 or newer);
// everything after it runs on the Node of node_modules/.bin. Does nothing when the tree already matches the lock file.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')
const stamp = join(root, 'node_modules', '.bailiwick-lock')
const present = existsSync(stamp) ? readFileSync(stamp, 'utf8') : ''

if (present !== wanted) {
  process.stderr.write('bailiwick: installing dependencies\n')
  // Not `npm ci`: it refuses a lock file that lacks optional packages of other platforms, which some registries do not carry. Versions are the
  // lock file's, which `--no-save` leaves as it is.
  execFileSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: ['ignore', 2, 2] })
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, wanted)
}
