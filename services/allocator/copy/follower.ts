import { describeError } from '../../../core/errors.ts'
import type { Log } from '../../../core/ports/log-port.ts'
import { COPY_NOTICE_WAIT, COPY_REFRESH_EVERY } from '../../../core/timing.ts'

export interface FollowerOptions {
  /** What is followed, for the log. */
  readonly name: string
  /** Reads the news and takes them over. `periodic`: it was time, whatever was heard. */
  readonly read: (periodic: boolean) => Promise<void>
  /** Calls back for every change until the signal aborts; undefined: nobody tells, it is read when it is time. */
  readonly watch: ((onChange: () => void, signal: AbortSignal) => Promise<void>) | undefined
  /** After each read that worked, once `asOf` says so. */
  readonly onRead: () => void
  readonly log: Log
}

/** Keeps one part of a copy true: reads what is new soon after a change was heard, and every COPY_REFRESH_EVERY. One read at a time. */
export class Follower {
  readonly #options: FollowerOptions
  readonly #stop = new AbortController()
  #asOf = Number.NEGATIVE_INFINITY
  #watching = false
  #reading = false
  #heard = false
  #failing = false
  #notice: NodeJS.Timeout | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: FollowerOptions) {
    this.#options = options
  }

  /** When what is known was true (performance.now, ms); -Infinity: nothing was read yet. */
  get asOf(): number {
    return this.#asOf
  }

  /** Resolves after the first read, whether it worked or not. */
  start(): Promise<void> {
    return this.#read(true)
  }

  stop(): void {
    this.#stop.abort()
    clearTimeout(this.#notice)
    clearTimeout(this.#timer)
  }

  readonly #changed = (): void => {
    this.#heard = true
    if (this.#reading || this.#notice !== undefined || this.#stop.signal.aborted) return
    this.#notice = setTimeout(() => {
      this.#notice = undefined
      void this.#read(false)
    }, COPY_NOTICE_WAIT)
  }

  async #read(periodic: boolean): Promise<void> {
    if (this.#reading || this.#stop.signal.aborted) return
    this.#reading = true
    this.#heard = false
    try {
      // Before the read, so that what changes after it is heard.
      await this.#watch()
      const began = performance.now()
      await this.#options.read(periodic)
      this.#asOf = began
      this.#recovered()
      this.#options.onRead()
    } catch (error) {
      this.#failed(error)
    }
    this.#reading = false
    if (this.#stop.signal.aborted) return
    if (periodic) this.#timer = setTimeout(() => void this.#periodically(), COPY_REFRESH_EVERY * (0.9 + 0.1 * Math.random()))
    if (this.#heard && !this.#failing) this.#changed()
  }

  /** A read that a change asked for may be under way: then it is time a little later. */
  async #periodically(): Promise<void> {
    if (!this.#reading) return this.#read(true)
    this.#timer = setTimeout(() => void this.#periodically(), COPY_NOTICE_WAIT)
  }

  async #watch(): Promise<void> {
    const { watch } = this.#options
    if (this.#watching || watch === undefined) return
    await watch(this.#changed, this.#stop.signal)
    this.#watching = true
  }

  #recovered(): void {
    if (this.#failing) this.#options.log.info({ part: this.#options.name }, 'the copy of the zone index is kept again')
    this.#failing = false
  }

  #failed(error: unknown): void {
    if (this.#stop.signal.aborted) return
    // Said once an outage.
    if (!this.#failing)
      this.#options.log.warn({ part: this.#options.name, detail: describeError(error) }, 'the copy of the zone index can not be kept')
    this.#failing = true
  }
}
