import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ApiServer } from '../../api-server/server.ts'
import { freePort } from '../../free-port.ts'
import { ended, guard, pinned, SERVER_CORE, unguard } from '../kit/pinned.ts'

const program = join(import.meta.dirname, '..', '..', '..', 'operator', 'main.ts')
/** Of /proc/PID/stat on Linux. */
const TICK_MS = 10
const PATIENCE = 600_000
const POLL_EVERY = 100
/** An API server that others keep from working does not renew a lease in time. */
const MAX_RESTARTS = 5

/** The operator as it is shipped, in the environment of a pod, on a core of its own. */
export interface OperatorProcess {
  readonly pid: number
  /** How often it was started again because it had lost its lease. */
  readonly restarts: number
  /** A value of /metrics, summed over its labels; 0 when it is not there. */
  metric(name: string): Promise<number>
  /** Since it was started, ms. */
  age(): number
  /** Asks until the answer is true; a throw counts as no. An operator that ended meanwhile is started again, as its pod would be. Throws when that does not help, or after the limit. */
  poll(what: string, ask: () => Promise<boolean>): Promise<void>
  stop(): Promise<void>
}

export async function startOperator(
  { pod }: Pick<ApiServer, 'pod'>,
  redisUrl: string,
  flags: readonly string[] = [],
): Promise<OperatorProcess> {
  const port = await freePort()
  const [command = '', ...args] = pinned(SERVER_CORE, [process.execPath, '--disable-warning=ExperimentalWarning', ...flags, program])
  // Nothing is erased here, so the store is never asked.
  const { KUBECONFIG: _other, ...inherited } = process.env
  const env = {
    KUBERNETES_SERVICE_HOST: pod.host,
    KUBERNETES_SERVICE_PORT: pod.port,
    SERVICE_ACCOUNT_FOLDER: pod.folder,
    REDIS_URL: redisUrl,
    MONGODB_URL: 'mongodb://127.0.0.1:9',
    INTERNAL_PORT: String(port),
    LOG_LEVEL: 'warn',
    // As in charts/bailiwick/templates/operator.yaml.
    NODE_OPTIONS: '--max-semi-space-size=4',
  }
  const begun = performance.now()
  const start = (): ChildProcess => {
    const started = spawn(command, args, {
      env: { ...inherited, NODE_ENV: 'production', ...env },
      stdio: ['ignore', process.stderr.fd, 'inherit'],
    })
    guard(started.pid)
    return started
  }
  let child = start()
  let restarts = 0
  const get = async (path: string): Promise<Response> => {
    return fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(10_000) })
  }
  const metric = async (name: string): Promise<number> => {
    const text = await (await get('/metrics')).text()
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  }
  return {
    get pid() {
      return child.pid ?? 0
    },
    get restarts() {
      return restarts
    },
    metric,
    age: () => performance.now() - begun,
    async poll(what, ask) {
      const end = performance.now() + PATIENCE
      while (!(await ask().catch(() => false))) {
        if (child.exitCode !== null) {
          unguard(child.pid)
          if (restarts >= MAX_RESTARTS) throw new Error(`the operator ended with ${child.exitCode}, and not for the first time`)
          restarts += 1
          child = start()
        }
        if (performance.now() > end) throw new Error(`${what}: not within ${PATIENCE} ms`)
        await delay(POLL_EVERY)
      }
    },
    async stop() {
      await ended(child)
      unguard(child.pid)
    },
  }
}

/** CPU time of a process since its start, all threads, ms. */
export function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

/** Memory of a process, MB: what it has, and the most it had. */
export function memoryOf(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const read = (field: string): number => Number(status.match(new RegExp(`${field}:\\s+(\\d+) kB`))?.[1] ?? 0) / 1_024
  return { now: read('VmRSS'), peak: read('VmHWM') }
}
