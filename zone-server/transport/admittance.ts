import { NETWORKS_OF_SITE, networkOf, siteOf } from '../../platform/http/index.ts'

export interface ConnectionLimits {
  readonly connections: number
  /** Connections that have not sent their first frame yet: those who say nothing take at most so many of the places. */
  readonly handshakes: number
  /** Of one network (an IPv4 address, or an IPv6 /64); a site (an IPv6 /48) may have NETWORKS_OF_SITE times as many, here and below. */
  readonly perAddress: number
  /** Connections of one network that have not sent their first frame yet. */
  readonly handshakesPerAddress: number
}

export const DEFAULT_LIMITS: ConnectionLimits = { connections: 8_192, handshakes: 4_096, perAddress: 4_096, handshakesPerAddress: 512 }

interface Held {
  connections: number
  handshakes: number
}

/** Counts connections, all, by network and by site, and says who may come in. What it keeps is bounded by the number of connections. */
export class Admittance {
  readonly #limits: ConnectionLimits
  readonly #held = new Map<string, Held>()
  readonly #all: Held = { connections: 0, handshakes: 0 }

  constructor(limits: Partial<ConnectionLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits }
  }

  /** False when there are too many. Else the connection is counted, as one in its handshake, until `left`. */
  enter(address: string): boolean {
    const { connections, handshakes, perAddress, handshakesPerAddress } = this.#limits
    if (this.#all.connections >= connections || this.#all.handshakes >= handshakes) return false
    const [network, site] = keysOf(address)
    const full = (key: string | undefined, times: number): boolean => {
      const held = key === undefined ? undefined : this.#held.get(key)
      return held !== undefined && (held.connections >= perAddress * times || held.handshakes >= handshakesPerAddress * times)
    }
    if (full(network, 1) || full(site, NETWORKS_OF_SITE)) return false
    this.#count(address, 1, 1)
    return true
  }

  /** Its first frame came. */
  greeted(address: string): void {
    this.#count(address, 0, -1)
  }

  /** It is over; `greeted`: its first frame had come. */
  left(address: string, greeted: boolean): void {
    this.#count(address, -1, greeted ? 0 : -1)
  }

  #count(address: string, connections: number, handshakes: number): void {
    for (const key of keysOf(address)) {
      if (key === undefined) continue
      const held = this.#held.get(key) ?? { connections: 0, handshakes: 0 }
      held.connections += connections
      held.handshakes += handshakes
      if (held.connections > 0) this.#held.set(key, held)
      else this.#held.delete(key)
    }
    this.#all.connections += connections
    this.#all.handshakes += handshakes
  }
}

/** Its network, and the site of that. The two can't be mixed up: a site has three groups. */
function keysOf(address: string): readonly [string, string | undefined] {
  const network = networkOf(address)
  return [network, siteOf(network)]
}
