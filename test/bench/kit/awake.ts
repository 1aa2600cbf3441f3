import { spawn } from 'node:child_process'
import { canPin, ended, guard, OTHER_CORE, SERVER_CORE, unguard } from './pinned.ts'

/** It ends by itself, whatever becomes of us. Seconds. */
const LIMIT = 600

/**
 * Keeps both cores from sleeping, by loops that run only when nobody else wants to (SCHED_IDLE). A virtual machine that has nothing to do gives its core away, and gets it back late: short waits
 * measure the host then, and not us. Answers what ends it; undefined: this machine can't be told to.
 */
export function keepAwake(): (() => Promise<void>) | undefined {
  if (!canPin) return undefined
  const loops = [SERVER_CORE, OTHER_CORE].map((core) => {
    const loop = ['timeout', String(LIMIT), 'chrt', '--idle', '0', 'sh', '-c', 'while :; do :; done']
    const child = spawn('taskset', ['-c', String(core), ...loop], { stdio: 'ignore' })
    child.on('error', () => undefined)
    guard(child.pid)
    child.once('exit', () => unguard(child.pid))
    return child
  })
  return async () => {
    await Promise.all(loops.map((loop) => ended(loop)))
  }
}
