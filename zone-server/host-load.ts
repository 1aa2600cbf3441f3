import type { HostLoad } from '../core/ports/index-port.ts'
import { HOST_LOAD_OVER } from '../core/timing.ts'

/** One long pause (a frozen process) says nothing of what is to do: it counts for so much time and lateness at most, ms. */
const PAUSE_COUNTS = 500

export interface LoadBeat {
  /** ms. */
  readonly now: number
  /** When this beat was due, ms. */
  readonly dueAt: number
  /** Processor time used so far, ms. */
  readonly usedMs: number
}

/** What a host has to do, from a regular beat on the thread of its layers: averages that forget over HOST_LOAD_OVER. A timer that is late is late for ticks too. */
export class LoadMeter {
  #last: LoadBeat | undefined
  #cpu = 0
  #lateness = 0

  beat(beat: LoadBeat): void {
    const last = this.#last
    this.#last = beat
    if (last === undefined || beat.now <= last.now) return
    const elapsed = beat.now - last.now
    const weight = Math.min(elapsed, PAUSE_COUNTS) / HOST_LOAD_OVER
    const late = Math.min(PAUSE_COUNTS, Math.max(0, beat.now - beat.dueAt))
    this.#cpu += weight * (((beat.usedMs - last.usedMs) / elapsed) * 1_000 - this.#cpu)
    this.#lateness += weight * (late - this.#lateness)
  }

  read(): HostLoad {
    return { cpu: Math.max(0, Math.round(this.#cpu)), lateness: Math.round(this.#lateness) }
  }
}

/** Processor time of this thread, ms. */
export function threadMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}
