/** One open connection, as far as it matters for who has to go. */
export interface Tracked {
  /** Of whom it is: an IPv4 address, or an IPv6 /64 network. */
  readonly network: string
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
 * saves the connections of who has most from those who have less: where all of them wait, one of them goes all the same, and only a new one of such a network goes itself.
 */
export class Connections<T extends Tracked> {
  readonly #limit: number
  /** Of each network its connections in the order in which they came, or were last let off, and how many requests they had begun then. */
  readonly #networks = new Map<string, Map<T, number>>()
  /** The networks that have so many, in the order in which they came to have them. */
  readonly #bySize = new Map<number, Set<string>>()
  #fullest = 0
  #size = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#size
  }

  /** Adds one. Answers the one that has to go for it, which is forgotten: another, or itself; undefined: there is room. */
  add(one: T): T | undefined {
    const known = this.#networks.get(one.network)
    const connections = known ?? new Map<T, number>()
    if (known === undefined) this.#networks.set(one.network, connections)
    connections.set(one, one.requests)
    this.#size += 1
    this.#resized(one.network, connections.size - 1, connections.size)
    if (this.#size <= this.#limit) return undefined
    const victim = this.#victim(one, connections.size) ?? one
    this.delete(victim)
    return victim
  }

  /** It is closed. One that is not known is no matter. */
  delete(one: T): void {
    const connections = this.#networks.get(one.network)
    if (connections?.delete(one) !== true) return
    this.#size -= 1
    this.#resized(one.network, connections.size + 1, connections.size)
    if (connections.size === 0) this.#networks.delete(one.network)
  }

  #resized(network: string, before: number, after: number): void {
    const left = this.#bySize.get(before)
    left?.delete(network)
    if (left?.size === 0) this.#bySize.delete(before)
    if (after > 0) {
      const joined = this.#bySize.get(after) ?? new Set()
      this.#bySize.set(after, joined.add(network))
    }
    this.#fullest = Math.max(this.#fullest, after)
    // By one at most: where the fullest was there is one with one less, unless it was the last.
    if (!this.#bySize.has(this.#fullest)) this.#fullest = after
  }

  /** The one that goes for the new one, of whose network there are so many; undefined: the new one. */
  #victim(newcomer: T, ofItsNetwork: number): T | undefined {
    const networks = this.#bySize.get(this.#fullest) ?? new Set()
    let looks = LOOKS
    let active: T | undefined
    let waiting: T | undefined
    const instead = () => active ?? (ofItsNetwork < this.#fullest ? waiting : undefined)
    // What is put back comes again: the looks end it.
    for (const network of networks) {
      const connections = this.#networks.get(network) ?? new Map<T, number>()
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
      networks.delete(network)
      networks.add(network)
    }
    return instead()
  }
}
