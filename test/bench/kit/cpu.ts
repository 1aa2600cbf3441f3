import { readFileSync } from 'node:fs'

/** Of /proc/PID/stat on Linux: user and system time are in units of 10 ms (USER_HZ is 100 on every architecture that Node runs on). */
const TICK_MS = 10

interface Reading {
  readonly at: number
  /** CPU time of the whole process, and what of it was the kernel's, milliseconds. */
  readonly cpu: number
  readonly system: number
  /** The main thread's: time it ran, and time it could have run and had no core. Milliseconds. */
  readonly ran: number
  readonly waited: number
}

export interface CpuReport {
  /** Share of one core used by the process, all its threads, and what of it was the kernel's. */
  readonly cpu: number
  readonly system: number
  /** Share of the time in which its main thread waited for a core that others had (its own helper threads not counted). */
  readonly waited: number
}

/** Reads what a process uses between two moments. */
export class CpuMeter {
  readonly #pid: number
  #from: Reading

  constructor(pid: number) {
    this.#pid = pid
    this.#from = read(pid)
  }

  start(): void {
    this.#from = read(this.#pid)
  }

  stop(): CpuReport {
    const from = this.#from
    const to = read(this.#pid)
    const elapsed = to.at - from.at
    const cpu = to.cpu - from.cpu
    // What the main thread waited for its own helpers (garbage collection, compression) is no fault of the machine.
    const helpers = Math.max(0, cpu - (to.ran - from.ran))
    return {
      cpu: cpu / elapsed,
      system: (to.system - from.system) / elapsed,
      waited: Math.max(0, to.waited - from.waited - helpers) / elapsed,
    }
  }
}

function read(pid: number): Reading {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in parentheses may hold spaces: fields are counted behind it, from number 3 on.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [ran = 0, waited = 0] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ').map(Number)
  const [user, system] = [Number(fields[11]) * TICK_MS, Number(fields[12]) * TICK_MS]
  return { at: performance.now(), cpu: user + system, system, ran: ran / 1e6, waited: waited / 1e6 }
}
