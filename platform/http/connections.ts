import { NETWORKS_OF_SITE } from './network.ts'

/** One open connection, as far as it matters for who has to go. */
export interface Tracked {
  /** Of whom it is: an IPv4 address, or an IPv6 /64 network. */
  readonly network: string
  /** The IPv6 /48 in which that is. */
  readonly site?: string | undefined
  /** Requests that it has begun so far. */
  readonly requests: number
  /** It is let go for no other. */
  readonly kept: boolean
  /** It has asked for something and waits for us: it is not its fault that it is there. */
  isWaiting(): boolean
}

/** So many connections are looked at for one that is quiet; then the first goes that does not wait for us. */
const LOOKS = 64

/**
 * The open connections of one server, of which there may be so many. Beyond, one goes: of the network that has the most, the one that was quiet the longest. So a crowd of slow connections
 * costs whoever holds most of it, and not those who hold few; an honest client has its answer long before its connection is the oldest. Neither asking now and then nor waiting for an answer
 * saves the connections of who has most from those who have less: where all of them wait, one of them goes all the same, and only a new one of such a network goes itself. A site that has more than
 * NETWORKS_OF_SITE times as many as any network is what has the most.
 */
export class Connections<T extends Tracked> {
  readonly #limit: number
  readonly #networks = new Holders<T>()
  readonly #sites = new Holders<T>()
  #size = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#size
  }

  /** Adds one. Answers the one that has to go for it, which is forgotten: another, or itself; undefined: there is room. `limit`: there may be so many now, not more than one less than there are. */
  add(one: T, limit = this.#limit): T | undefined {
    this.#networks.add(one.network, one)
    if (one.site !== undefined) this.#sites.add(one.site, one)
    this.#size += 1
    if (this.#size <= limit) return undefined
    const bySite = this.#sites.most > this.#networks.most * NETWORKS_OF_SITE
    const victim = (bySite ? this.#sites.victim(one, one.site) : this.#networks.victim(one, one.network)) ?? one
    this.delete(victim)
    return victim
  }

  /** It is closed, or counts no longer. False: it is not known. */
  delete(one: T): boolean {
    if (!this.#networks.delete(one.network, one)) return false
    if (one.site !== undefined) this.#sites.delete(one.site, one)
    this.#size -= 1
    return true
  }
}

/** Who holds how many connections: networks, or sites. */
class Holders<T extends Tracked> {
  /** Of each holder its connections in the order in which they came, or were last let off, and how many requests they had begun then. */
  readonly #holders = new Map<string, Map<T, number>>()
  /** The holders that have so many, in the order in which they came to have them. */
  readonly #bySize = new Map<number, Set<string>>()
  #most = 0

  /** So many has the one that has the most. */
  get most(): number {
    return this.#most
  }

  add(holder: string, one: T): void {
    const known = this.#holders.get(holder)
    const connections = known ?? new Map<T, number>()
    if (known === undefined) this.#holders.set(holder, connections)
    connections.set(one, one.requests)
    this.#resized(holder, connections.size - 1, connections.size)
  }

  /** False: it is not known. */
  delete(holder: string, one: T): boolean {
    const connections = this.#holders.get(holder)
    if (connections?.delete(one) !== true) return false
    this.#resized(holder, connections.size + 1, connections.size)
    if (connections.size === 0) this.#holders.delete(holder)
    return true
  }

  #resized(holder: string, before: number, after: number): void {
    const left = this.#bySize.get(before)
    left?.delete(holder)
    if (left?.size === 0) this.#bySize.delete(before)
    if (after > 0) {
      const joined = this.#bySize.get(after) ?? new Set()
      this.#bySize.set(after, joined.add(holder))
    }
    this.#most = Math.max(this.#most, after)
    // By one at most: where the fullest was there is one with one less, unless it was the last.
    if (!this.#bySize.has(this.#most)) this.#most = after
  }

  /** The one that goes for the new one, which is of this holder; undefined: the new one. */
  victim(newcomer: T, itsHolder: string | undefined): T | undefined {
    const ofItsHolder = this.#holders.get(itsHolder ?? '')?.size ?? 0
    const fullest = this.#bySize.get(this.#most) ?? new Set()
    let looks = LOOKS
    let active: T | undefined
    let waiting: T | undefined
    const instead = () => active ?? (ofItsHolder < this.#most ? waiting : undefined)
    // What is put back comes again: the looks end it.
    for (const holder of fullest) {
      const connections = this.#holders.get(holder) ?? new Map<T, number>()
      let unseen = connections.size
      for (const [one, requests] of connections) {
        if (unseen-- === 0) break
        if (looks-- === 0) return instead()
        if (one !== newcomer && !one.kept) {
          const waits = one.isWaiting()
          if (one.requests === requests && !waits) return one
          if (waits) waiting ??= one
          else active ??= one
        }
        // It did something since it was looked at last, or waits for us: others go first.
        connections.delete(one)
        connections.set(one, one.requests)
      }
      fullest.delete(holder)
      fullest.add(holder)
    }
    return instead()
  }
}
