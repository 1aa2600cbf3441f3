import { BailiwickError } from '../../core/errors.ts'
import { COPY_REFRESH_EVERY } from '../../core/timing.ts'
import { NETWORKS_OF_SITE, networkOf, siteOf } from '../../platform/http/index.ts'

/** So many requests may wait for changes in one process, streams included: each holds a connection. */
const MAX_WATCHERS = 5_000
/** And so many of one network, behind which there may be many players; NETWORKS_OF_SITE times as many of one site. */
const MAX_WATCHERS_PER_NETWORK = 200

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
    const site = siteOf(network)
    const todo = 'ask without waiting'
    const most = Math.max(this.#of(network), Math.floor(this.#of(site) / NETWORKS_OF_SITE))
    if (most >= MAX_WATCHERS_PER_NETWORK)
      throw new BailiwickError('TooManyRequests', { found: `${most} that wait, of one address`, todo, retryAfterMs: COPY_REFRESH_EVERY })
    if (this.#count >= MAX_WATCHERS)
      throw new BailiwickError('Busy', { found: `${this.#count} that wait for changes`, todo, retryAfterMs: COPY_REFRESH_EVERY })
    this.#add(network, site, 1)
    let left = false
    return () => {
      if (!left) this.#add(network, site, -1)
      left = true
    }
  }

  #of(key: string | undefined): number {
    return key === undefined ? 0 : (this.#ofAddress.get(key) ?? 0)
  }

  #add(network: string, site: string | undefined, by: 1 | -1): void {
    this.#count += by
    for (const key of site === undefined ? [network] : [network, site]) {
      const now = this.#of(key) + by
      if (now === 0) this.#ofAddress.delete(key)
      else this.#ofAddress.set(key, now)
    }
  }
}
