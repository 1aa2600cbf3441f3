import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Log } from '../../../core/ports/log-port.ts'

const sources = join(import.meta.dirname, '..', '..', '..')
/** The last lines that are kept of one. */
const TOLD_LINES = 10

let children = 0

export interface ChildOptions {
  /** The folder of its sources; default: these. */
  readonly release?: string
  readonly namespace: string
  readonly podName: string
  readonly apiUrl: string
  /** For kubeconfigs, and for compiled code that processes share. */
  readonly folder: string
  /** Where index and store are. */
  readonly env: Readonly<Record<string, string>>
  readonly log: Log
}

export interface OperatorChild {
  /** Resolves with its exit code, or the signal that ended it, when all that it said was read. */
  readonly ended: Promise<string>
  /** Its last lines. */
  readonly last: readonly string[]
  /** It leads, or has led. */
  readonly led: boolean
  /** It said that it had lost its lease. */
  readonly unled: boolean
  signal(name: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): void
}

/** The operator as it is shipped, in a process of its own, over an API server that lets everybody in. Ends with this process. */
export function startOperatorChild({ release = sources, namespace, podName, apiUrl, folder, env, log }: ChildOptions): OperatorChild {
  // One for each process: the end of a killed one is heard when the next has begun already.
  const kubeconfig = join(folder, `${namespace}-${++children}.json`)
  writeFileSync(kubeconfig, kubeconfigOf(apiUrl))
  const { KUBERNETES_SERVICE_HOST: _host, ...inherited } = process.env
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(release, 'operator', 'main.ts')], {
    env: {
      ...inherited,
      ...env,
      KUBECONFIG: kubeconfig,
      POD_NAME: podName,
      POD_NAMESPACE: namespace,
      WATCH_NAMESPACES: namespace,
      WATCH_NODES: 'false',
      INTERNAL_PORT: '0',
      NODE_COMPILE_CACHE: join(folder, 'compiled'),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const killed = (): void => void child.kill('SIGKILL')
  process.once('exit', killed)
  const last: string[] = []
  const said = { led: false, unled: false }
  createInterface({ input: child.stdout }).on('line', (line) => {
    said.led ||= line.includes('lease: leading')
    said.unled ||= line.includes('lease: no longer leading')
    last.push(line)
    if (last.length > TOLD_LINES) last.shift()
    log.info({ line: line.slice(0, 400) }, podName)
  })
  const end = async (): Promise<string> => {
    // With all that it said: 'exit' may come before.
    const [code, signal] = await once(child, 'close')
    process.off('exit', killed)
    rmSync(kubeconfig, { force: true })
    return String(code ?? signal)
  }
  return {
    ended: end(),
    last,
    get led() {
      return said.led
    },
    get unled() {
      return said.unled
    },
    signal: (name) => void child.kill(name),
  }
}

function kubeconfigOf(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'api', cluster: { server } }],
    users: [{ name: 'nobody', user: {} }],
    contexts: [{ name: 'api', context: { cluster: 'api', user: 'nobody' } }],
    'current-context': 'api',
  })
}
