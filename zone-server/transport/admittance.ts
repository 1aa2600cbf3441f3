export interface ConnectionLimits {
  readonly connections: number
  readonly perAddress: number
  /** Connections of one address that have not sent their first frame yet. */
  readonly handshakesPerAddress: number
}

export const DEFAULT_LIMITS: ConnectionLimits = { connections: 8_192, perAddress: 4_096, handshakesPerAddress: 512 }

interface Held {
  connections: number
  handshakes: number
}

/** Counts connections, all and by address, and says who may come in. What it keeps is bounded by the number of connections. */
export class Admittance {
  readonly #limits: ConnectionLimits
  readonly #addresses = new Map<string, Held>()
  #connections = 0

  constructor(limits: Partial<ConnectionLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits }
  }

  /** False when there are too many. Else the connection is counted, as one in its handshake, until `left`. */
  enter(address: string): boolean {
    const held = this.#addresses.get(address) ?? { connections: 0, handshakes: 0 }
    const { connections, perAddress, handshakesPerAddress } = this.#limits
    if (this.#connections >= connections || held.connections >= perAddress || held.handshakes >= handshakesPerAddress) return false
    this.#connections++
    held.connections++
    held.handshakes++
    this.#addresses.set(address, held)
    return true
  }

  /** Its first frame came. */
  greeted(address: string): void {
    const held = this.#addresses.get(address)
    if (held !== undefined) held.handshakes--
  }

  /** It is over; `greeted`: its first frame had come. */
  left(address: string, greeted: boolean): void {
    const held = this.#addresses.get(address)
    if (held === undefined) return
    this.#connections--
    held.connections--
    if (!greeted) held.handshakes--
    if (held.connections === 0) this.#addresses.delete(address)
  }
}
