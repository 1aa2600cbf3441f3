import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import process from 'node:process'

/** A generator that used more of its core, or whose own loop was later than this, measures itself. */
const MAX_CPU = 0.92
const MAX_DELAY_P99 = 15

export interface HeadroomReport {
  /** Share of one core that this process used. */
  readonly cpu: number
  /** How late its own event loop was, milliseconds. */
  readonly delayP99: number
  readonly delayMax: number
  /** True when it may have been the one that was slow. */
  readonly saturated: boolean
}

/** What this process has left: its share of a core and the lateness of its event loop, since `start`. */
export class Headroom {
  readonly #delay = monitorEventLoopDelay({ resolution: 1 })
  #cpu = process.cpuUsage()
  #began = performance.now()

  start(): void {
    this.#delay.enable()
    this.#delay.reset()
    this.#cpu = process.cpuUsage()
    this.#began = performance.now()
  }

  stop(): HeadroomReport {
    const { user, system } = process.cpuUsage(this.#cpu)
    const cpu = (user + system) / 1_000 / (performance.now() - this.#began)
    this.#delay.disable()
    const delayP99 = this.#delay.percentile(99) / 1e6
    return { cpu, delayP99, delayMax: this.#delay.max / 1e6, saturated: cpu > MAX_CPU || delayP99 > MAX_DELAY_P99 }
  }
}
