import { randomOf } from '../../faults/simulator/random.ts'

export interface Server {
  readonly name: string
  readonly node: string
  state: 'Starting' | 'Ready' | 'Allocated' | 'Shutdown'
  /** Of the host that it is; another one after it gave itself back and was not taken. */
  incarnation: number
  /** Its node is lost: it stays Allocated, and says nothing more. */
  lost: boolean
  outdated: boolean
}

/** A pod takes so long until its host registers: 5 s, more or less. ms. */
export const POD_START = { min: 4_000, max: 6_000 }
const NODES = 20

/** What Agones makes of a Fleet's number: creates what is missing, deletes what is not Allocated, never what is; of those it marks as outdated as many as are too many. */
export class Servers {
  readonly all = new Map<string, Server>()
  /** Servers marked though their template is the fleet's. */
  marked = 0
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
    const free = [...this.#of('Starting'), ...this.#of('Ready')].sort((a, b) => (a.name < b.name ? -1 : 1))
    for (let surplus = this.running - replicas; surplus > 0; surplus--) {
      const next = free.shift()
      if (next === undefined) {
        this.#mark(surplus)
        return
      }
      this.all.delete(next.name)
    }
  }

  /** Those that are marked already count; of the others it is whoever comes first. */
  #mark(surplus: number): void {
    const allocated = this.#of('Allocated').filter(({ lost }) => !lost)
    let left = surplus - allocated.filter(({ outdated }) => outdated).length
    for (const server of allocated) {
      if (left <= 0) return
      if (server.outdated) continue
      server.outdated = true
      this.marked += 1
      left -= 1
    }
  }

  #of(state: Server['state']): Server[] {
    return [...this.all.values()].filter((server) => server.state === state)
  }

  #start(): void {
    this.#count += 1
    const name = `host-${String(this.#count).padStart(6, '0')}`
    const server: Server = { name, node: `node-${this.#count % NODES}`, state: 'Starting', incarnation: 0, lost: false, outdated: false }
    this.all.set(name, server)
    this.#onStart(server, POD_START.min + this.#random() * (POD_START.max - POD_START.min))
  }
}
