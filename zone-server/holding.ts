import { sleep, type Timers } from '../core/clock.ts'
import { isCode } from '../core/errors.ts'
import type { Log, LogFields } from '../core/ports/log-port.ts'
import { HELD_CHECK_EVERY } from '../core/timing.ts'
import type { Lease } from './lease.ts'
import { jittered } from './retry.ts'

export interface HoldingDeps {
  readonly lease: Pick<Lease, 'layer' | 'epoch' | 'check'>
  readonly timers: Timers
  readonly log: Log
  readonly signal: AbortSignal
  /** It begins or ends: clients and index are to know. */
  readonly onChange: (held: boolean) => void
  /** The store says that another owns the layer. */
  readonly onLost: (error: unknown) => void
}

/** A layer that waits with its next tick, because what is played can't be made safe. */
export class Holding {
  readonly #deps: HoldingDeps
  #held = false
  #checking = false

  constructor(deps: HoldingDeps) {
    this.#deps = deps
  }

  get held(): boolean {
    return this.#held
  }

  /** Holds or goes on; says so once. `seen`: what the log is to know of it. Answers `held`. */
  update(held: boolean, seen: () => LogFields): boolean {
    if (held === this.#held) return held
    this.#held = held
    const { lease, log, onChange } = this.#deps
    const fields = { layer: lease.layer, epoch: lease.epoch, ...seen() }
    log.warn(fields, held ? 'layer holds: what is played can not be made safe' : 'layer goes on')
    onChange(held)
    // The sleep in it ends with the layer.
    if (held && !this.#checking) this.#checkStore().catch(() => undefined)
    return held
  }

  /** An index that does not answer can't say that another has the layer; the store may. */
  async #checkStore(): Promise<void> {
    const { lease, timers, signal, onLost } = this.#deps
    this.#checking = true
    while (this.#held) {
      await sleep(timers, jittered(HELD_CHECK_EVERY, timers), signal)
      try {
        await lease.check()
      } catch (error) {
        if (isCode(error, 'LayerLost')) onLost(error)
      }
    }
    this.#checking = false
  }
}
