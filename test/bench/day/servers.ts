import { randomOf } from '../../faults/simulator/random.ts'

export interface Server {
  readonly name: string
  readonly node: string
  state: 'Starting' | 'Allocated' | 'Shutdown'
  /** Its node is lost: it stays Allocated, and says nothing more. */
  lost: boolean
  outdated: boolean
}

/** A pod takes so long until its host registers: 5 s, more or less. ms. */
export const POD_START = { min: 4_000, max: 6_000 }
const NODES = 20

/** What Agones makes of a Fleet's number: creates what is missing, deletes what is not Allocated, never what is. */
export class Servers {
  readonly all = new Map<string, Server>()
  readonly #onStart: (server: Server, inMs: number) => void
  readonly #random: () => number
  #count = 0

  constructor(seed: number, onStart: (server: Server, inMs: number) => void) {
    this.#random = randomOf(seed)
    this.#onStart = onStart
  }

  get allocated(): number {
    return this.#of('Allocated').length
  }

  /** Starting ones and Allocated ones, lost or not: what is paid for. */
  get running(): number {
    return this.all.size - this.#of('Shutdown').length
  }

  scale(replicas: number): void {
    for (let missing = replicas - this.running; missing > 0; missing--) this.#start()
    const starting = this.#of('Starting')
    for (let surplus = this.running - replicas; surplus > 0; surplus--) {
      const newest = starting.pop()
      if (newest === undefined) return
      this.all.delete(newest.name)
    }
  }

  #of(state: Server['state']): Server[] {
    return [...this.all.values()].filter((server) => server.state === state)
  }

  #start(): void {
    this.#count += 1
    const name = `host-${String(this.#count).padStart(6, '0')}`
    const server: Server = { name, node: `node-${this.#count % NODES}`, state: 'Starting', lost: false, outdated: false }
    this.all.set(name, server)
    this.#onStart(server, POD_START.min + this.#random() * (POD_START.max - POD_START.min))
  }
}
