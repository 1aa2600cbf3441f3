import type { Clock } from './clock.ts'
import { describeError } from './errors.ts'
import type { ZoneIndex } from './ports/index-port.ts'
import type { Log } from './ports/log-port.ts'

export interface AccountBarsDeps {
  readonly index: Pick<ZoneIndex, 'accountBars'>
  readonly clock: Clock
  readonly log: Log
  /** Whoever is barred is to go. */
  readonly onBarred: (isBarred: (account: string) => boolean) => void
}

/** Who is kept out of all layers: as the index said last, when it could be asked. */
export class AccountBars {
  readonly #deps: AccountBarsDeps
  #until: ReadonlyMap<string, number> = new Map()
  #position: string | undefined
  #looking = false
  #failing = false
  #ended = false

  constructor(deps: AccountBarsDeps) {
    this.#deps = deps
  }

  has(account: string): boolean {
    return (this.#until.get(account) ?? 0) > this.#deps.clock.now()
  }

  /** Nobody asks any more: whether a call that is under way is answered is no news, as the index is closed next. */
  end(): void {
    this.#ended = true
  }

  /** Asks the index; one call at a time. Never rejects. */
  async look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    const { index, clock, log, onBarred } = this.#deps
    try {
      const { position, bars } = await index.accountBars(this.#position)
      this.#position = position
      this.#failing = false
      if (bars !== undefined) this.#until = new Map(bars.map(({ account, forMs }) => [account, clock.now() + forMs]))
      // Each time: somebody may have been on the way in when the bar was heard of.
      if (this.#until.size > 0) onBarred((account) => this.has(account))
    } catch (error) {
      if (!this.#failing && !this.#ended) log.warn({ detail: describeError(error) }, 'the index does not say who is barred')
      this.#failing = true
    } finally {
      this.#looking = false
    }
  }
}
