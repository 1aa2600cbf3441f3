import { sleep, type Timers } from '../core/clock.ts'
import { describeError, isCode } from '../core/errors.ts'
import type { FleetId } from '../core/ids.ts'
import type { CloseReason, ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import { CLOSE_DEADLINE, CLOSE_RETRY_EVERY } from '../core/timing.ts'
import type { ChainWriter } from './chain-writer.ts'
import type { Lease } from './lease.ts'
import { jittered, retrying } from './retry.ts'
import type { LayerState } from './simulation/state.ts'
import type { Trimming } from './trimming.ts'

export interface ClosingDeps {
  readonly index: ZoneIndex
  readonly fleet: FleetId
  readonly host: string
  readonly generation: number
  readonly lease: Lease
  readonly state: LayerState
  readonly chain: Pick<ChainWriter, 'last'>
  readonly trimming: Pick<Trimming, 'end'>
  readonly log: Log
  readonly timers: Timers
  readonly signal: AbortSignal
  /** True while somebody is on the way in. */
  readonly isBusy: () => boolean
  /** From here on nobody may join: players are told, and leave. */
  readonly onBegun: (reason: CloseReason | 'Idle') => void
  /** The last snapshot is about to be taken: nothing may change any more. */
  readonly onEmpty: () => void
  readonly onEnd: (how: 'closed' | 'lost') => void
}

/** Ends a layer in order: nobody joins, everybody leaves and is stored, last snapshot, `close`, slot free. */
export class Closing {
  readonly #deps: ClosingDeps
  #reason: CloseReason | 'Idle' | undefined
  #underWay = false
  #begun = false
  #whenEmpty: (() => void) | undefined

  constructor(deps: ClosingDeps) {
    this.#deps = deps
  }

  get begun(): boolean {
    return this.#begun
  }

  /** Asks for the end. 'Idle' may be refused by the index (a live ticket) and is asked again by the caller; every other reason goes on until it is done. */
  request(reason: CloseReason | 'Idle'): void {
    if (this.#reason === undefined || this.#reason === 'Idle') this.#reason = reason
    if (this.#underWay) return
    this.#underWay = true
    this.#run()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#underWay = false
      })
  }

  /** After a tick: goes on when everybody is out and stored. */
  afterTick(): void {
    const { state, isBusy } = this.#deps
    if (this.#whenEmpty !== undefined && state.players.size === 0 && state.outbox.size === 0 && !isBusy()) this.#whenEmpty()
  }

  async #run(): Promise<void> {
    if (!(await this.#begin())) return
    const { state, log, chain, trimming, lease, signal, timers, index, fleet, host, generation, onBegun, onEmpty, onEnd } = this.#deps
    const reason = this.#reason ?? 'Idle'
    this.#begun = true
    onBegun(reason)
    const settled = this.#complaining()
    try {
      await this.#empty(signal)
      onEmpty()
      const { n, snapshot } = await chain.last()
      const options = { what: `closing of ${state.layer}`, log, timers, signal }
      await retrying(() => trimming.end(n, snapshot), options)
      await lease.close(state.tick, signal)
      await retrying(() => index.closeLayer(fleet, state.layer, host, generation), options)
      log.info({ layer: state.layer, epoch: lease.epoch, tick: state.tick, reason }, 'layer closed')
      onEnd('closed')
    } finally {
      settled()
    }
  }

  /** Says every now and then that it is not done yet, until the answered function is called. */
  #complaining(): () => void {
    const { timers, log, state } = this.#deps
    let cancel: () => void = () => undefined
    const wait = (): void => {
      cancel = timers.after(CLOSE_DEADLINE, () => {
        log.error({ layer: state.layer, players: state.players.size, outbox: state.outbox.size }, 'a layer can not be closed yet')
        wait()
      })
    }
    wait()
    return () => cancel()
  }

  /** Everybody is out and stored. Rejects when the layer is lost before. */
  #empty(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#whenEmpty = resolve
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      if (signal.aborted) reject(signal.reason)
    })
  }

  /** Asks the index. True: nobody can join any more. An idle closing is asked for once, any other until there is an answer. */
  async #begin(): Promise<boolean> {
    const { index, fleet, host, state, generation, signal, timers, log, onEnd } = this.#deps
    for (;;) {
      signal.throwIfAborted()
      const force = this.#reason !== 'Idle'
      try {
        const answer = await index.beginClose(fleet, state.layer, host, generation, force)
        if (answer === 'ok') return true
        if (answer === 'lost') {
          onEnd('lost')
          return false
        }
      } catch (error) {
        if (!isCode(error, 'IndexUnavailable')) throw error
        log.warn({ layer: state.layer, detail: describeError(error) }, 'the index was not asked whether the layer may close')
      }
      // Refused, and nothing more urgent came meanwhile: it may go on living.
      if (this.#reason === 'Idle') {
        this.#reason = undefined
        return false
      }
      if (force) await sleep(timers, jittered(CLOSE_RETRY_EVERY, timers), signal)
    }
  }

  #failed(error: unknown): void {
    const { log, state, signal, onEnd } = this.#deps
    if (signal.aborted) return
    log.error({ layer: state.layer, detail: describeError(error) }, 'a layer could not be closed in order')
    onEnd('lost')
  }
}
