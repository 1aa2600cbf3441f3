import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { FromParent, HostOrder, ToParent } from './messages.ts'

export interface HostProcess {
  readonly name: string
  readonly pid: number
  readonly alive: boolean
  /** SIGKILL: it has no time for anything. */
  kill(): Promise<void>
  /** SIGSTOP and SIGCONT: it stands still and does not know it. */
  stop(): void
  resume(): void
}

/** Told when a host wants to trim the journal up to a tick; resolves when it may. */
export type MayTrim = (through: number) => Promise<void>

/** Starts a zone server as a process of its own. `cache`: a folder that its like share. */
export function startHostProcess(order: HostOrder, mayTrim: MayTrim, onLine: (line: string) => void, cache: string): HostProcess {
  const child = fork(join(import.meta.dirname, 'zone-process.ts'), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    // Compiled code of the processes before it: half of what a start costs.
    env: { ...process.env, NODE_COMPILE_CACHE: join(cache, 'compiled') },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const send = (message: FromParent): void => {
    if (child.connected) child.send(message, () => undefined)
  }
  child.on('error', () => undefined)
  child.on('message', (message: ToParent) => {
    if (message.kind === 'line') onLine(`${order.name} ${message.level}: ${message.event} ${message.fields}`)
    else void mayTrim(message.through).then(() => send({ kind: 'read', question: message.question }))
  })
  send({ kind: 'serve', order })
  return {
    name: order.name,
    pid: child.pid ?? 0,
    get alive() {
      return isAlive(child)
    },
    async kill() {
      if (!isAlive(child)) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
    stop: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
  }
}

function isAlive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}
