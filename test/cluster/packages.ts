import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run } from './run.ts'

/** A program the harness calls and the Debian package that brings it. redis-tools carries the server's binary without a daemon. */
const programs: readonly [file: string, debianPackage: string][] = [
  ['containerd', 'containerd'],
  ['runc', 'runc'],
  ['/usr/lib/cni/bridge', 'containernetworking-plugins'],
  ['iptables', 'iptables'],
  ['conntrack', 'conntrack'],
  ['ip', 'iproute2'],
  ['openssl', 'openssl'],
  ['redis-check-rdb', 'redis-tools'],
  ['tini', 'tini'],
]

/** Where a program is, or undefined: PATH, and the system folders that an ordinary user's PATH leaves out. */
export function findProgram(name: string): string | undefined {
  if (name.startsWith('/')) return existsSync(name) ? name : undefined
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file))
}

/** Installs the Debian packages whose programs are missing; does nothing when all are there. None of them starts a daemon here. */
export async function ensurePackages(say: (line: string) => void): Promise<void> {
  await install(programs, say)
}

/** The same for one program that one suite needs. */
export async function ensurePackage(file: string, debianPackage: string, say: (line: string) => void): Promise<void> {
  await install([[file, debianPackage]], say)
}

async function install(wanted: typeof programs, say: (line: string) => void): Promise<void> {
  const missing = wanted.filter(([file]) => findProgram(file) === undefined).map(([, name]) => name)
  if (missing.length === 0) return
  say(`installing Debian packages: ${missing.join(' ')}`)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  await run('apt-get', ['update', '-qq'], { env })
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], { env })
}
