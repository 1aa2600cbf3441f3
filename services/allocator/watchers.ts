import { BailiwickError } from '../../core/errors.ts'
import { COPY_REFRESH_EVERY } from '../../core/timing.ts'
import { networkOf } from '../../platform/http/index.ts'

/** So many requests may wait for changes in one process, streams included: each holds a connection. */
const MAX_WATCHERS = 5_000
/** And so many of one address, behind which there may be many players. */
const MAX_WATCHERS_PER_ADDRESS = 200

/** Who waits for changes of zones: a bounded number, in all and of each address. */
export class Watchers {
  readonly #ofAddress = new Map<string, number>()
  #count = 0

  get count(): number {
    return this.#count
  }

  /** One more; the answered function says that it has gone. Throws Busy, TooManyRequests. */
  enter(address: string): () => void {
    const network = networkOf(address)
    const before = this.#ofAddress.get(network) ?? 0
    const todo = 'ask without waiting'
    if (before >= MAX_WATCHERS_PER_ADDRESS)
      throw new BailiwickError('TooManyRequests', { found: `${before} that wait, of one address`, todo, retryAfterMs: COPY_REFRESH_EVERY })
    if (this.#count >= MAX_WATCHERS)
      throw new BailiwickError('Busy', { found: `${this.#count} that wait for changes`, todo, retryAfterMs: COPY_REFRESH_EVERY })
    this.#count += 1
    this.#ofAddress.set(network, before + 1)
    let left = false
    return () => {
      if (left) return
      left = true
      this.#count -= 1
      const now = (this.#ofAddress.get(network) ?? 1) - 1
      if (now === 0) this.#ofAddress.delete(network)
      else this.#ofAddress.set(network, now)
    }
  }
}
