import { Connections, NETWORKS_OF_SITE, type Tracked } from '../../platform/http/index.ts'

export interface ConnectionLimits {
  readonly connections: number
  /** Those whose client was not let in yet: who says nothing, or shows no ticket, takes at most so many of the places. */
  readonly coming: number
  /** Those of one network (an IPv4 address, or an IPv6 /64) that were let in; a site (an IPv6 /48) may have NETWORKS_OF_SITE times as many. */
  readonly perAddress: number
}

export const DEFAULT_LIMITS: ConnectionLimits = { connections: 8_192, coming: 4_096, perAddress: 4_096 }

/**
 * Says who may come in. Nobody but the index knows whether a client's ticket is good, so a place is a client's own from when it was let in; until then it may lose it to a new one, as the connections of the services do
 * (platform/http/connections.ts): of who has most the one goes that came first and does not wait for us. A client says hello as soon as it is connected, and is answered long before its connection is the oldest.
 */
export class Admittance<T extends Tracked> {
  readonly #limits: ConnectionLimits
  readonly #coming: Connections<T>
  readonly #inside = new Set<T>()
  /** Of those inside so many by network and by site. The two can't be mixed up: a site has three groups. */
  readonly #held = new Map<string, number>()

  constructor(limits: Partial<ConnectionLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits }
    this.#coming = new Connections(this.#limits.coming)
  }

  get size(): number {
    return this.#coming.size + this.#inside.size
  }

  /** One came. Answers the one that has to go for it: another, or itself; undefined: there is room. It is counted until it `left`. */
  enter(one: T): T | undefined {
    const { connections, coming, perAddress } = this.#limits
    const has = (key: string | undefined): number => this.#held.get(key ?? '') ?? 0
    if (has(one.network) >= perAddress || has(one.site) >= perAddress * NETWORKS_OF_SITE) return one
    return this.#coming.add(one, Math.min(coming, connections - this.#inside.size))
  }

  /** Its client was let in: it goes for no other. */
  keep(one: T): void {
    if (!this.#coming.delete(one)) return
    this.#inside.add(one)
    this.#count(one, 1)
  }

  /** It is over. One that is not known is no matter. */
  left(one: T): void {
    if (this.#inside.delete(one)) this.#count(one, -1)
    else this.#coming.delete(one)
  }

  #count({ network, site }: T, by: number): void {
    for (const key of site === undefined ? [network] : [network, site]) {
      const held = (this.#held.get(key) ?? 0) + by
      if (held > 0) this.#held.set(key, held)
      else this.#held.delete(key)
    }
  }
}
