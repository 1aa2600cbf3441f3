import type { LayerId } from '../../../core/ids.ts'
import type { SimulatedHost } from './host.ts'
import type { Kernel } from './kernel.ts'

/** It looks so often, milliseconds. */
const LOOK_EVERY = 250
/** A host that does not serve what it was given has lost it after so long. */
const PATIENCE = 2_500
/** A host that lost a layer hears of it within this. */
const TOLD_WITHIN = 3_000

interface Assignment {
  generation: number
  host: SimulatedHost
  since: number
  /** Closed in order: opened again when somebody wants it. */
  closed: boolean
}

/** Says which host is to serve which layer, as fallibly as the real one: it takes hosts for dead that live, and tells those that lost a layer late. */
export class Placement {
  readonly #kernel: Kernel
  readonly #newHost: (name: string) => SimulatedHost
  readonly #assignments = new Map<LayerId, Assignment>()
  readonly #layers: readonly LayerId[]
  readonly hosts: SimulatedHost[] = []
  #born = 0
  #stopped = false

  constructor(kernel: Kernel, layers: readonly LayerId[], hosts: number, newHost: (name: string) => SimulatedHost) {
    this.#kernel = kernel
    this.#layers = layers
    this.#newHost = newHost
    for (let i = 0; i < hosts; i++) this.bear()
    for (const layer of layers) this.move(layer)
    this.#look()
  }

  /** A new process. */
  bear(): SimulatedHost {
    const host = this.#newHost(`host-${++this.#born}`)
    this.hosts.push(host)
    return host
  }

  hostOf(layer: LayerId): SimulatedHost | undefined {
    return this.#assignments.get(layer)?.host
  }

  isServed(layer: LayerId): boolean {
    const assignment = this.#assignments.get(layer)
    return assignment !== undefined && !assignment.host.process.paused && assignment.host.serves(layer)
  }

  /** Gives the layer to a host, another one if there is any, whether or not the one that has it lives; which hears of it no sooner than `toldFrom` ms from now. */
  move(layer: LayerId, toldFrom = 0): void {
    const before = this.#assignments.get(layer)
    const living = this.hosts.filter(({ process }) => process.alive)
    const others = living.filter((host) => host !== before?.host && !host.process.paused)
    const host = this.#kernel.pick(others.length > 0 ? others : living)
    if (host === undefined) return
    const generation = (before?.generation ?? 0) + 1
    this.#assignments.set(layer, { generation, host, since: this.#kernel.now, closed: false })
    this.#kernel.note(`placement: ${layer} to ${host.name}, generation ${generation}`)
    // Every other time it hears of it at once, too, and reads ahead: what it reads may be out of date when it claims.
    if (generation % 2 === 0) host.expect(layer)
    this.#kernel.after(this.#kernel.between(0, 100), () => host.claim(layer, generation))
    if (before !== undefined && before.host !== host)
      this.#kernel.after(this.#kernel.between(toldFrom, TOLD_WITHIN), () => before.host.drop(layer, generation))
  }

  close(layer: LayerId): void {
    const host = this.#assignments.get(layer)?.host
    this.#kernel.note(`placement: ${layer} is asked to close`)
    host?.process.deliver(() => host.layers.close(layer, 'Drain'))
  }

  closed(layer: LayerId, generation: number): void {
    const assignment = this.#assignments.get(layer)
    if (assignment?.generation !== generation) return
    assignment.closed = true
    assignment.since = this.#kernel.now
  }

  /** No more decisions. */
  stop(): void {
    this.#stopped = true
  }

  #look(): void {
    if (this.#stopped) return
    for (const layer of this.#layers) {
      const assignment = this.#assignments.get(layer)
      if (assignment === undefined) continue
      const { host, since, closed } = assignment
      const waited = this.#kernel.now - since
      const works = host.process.alive && !host.process.paused && host.layers.has(layer) && !closed
      if (works) assignment.since = this.#kernel.now
      else if (waited > (closed ? LOOK_EVERY * 2 : PATIENCE)) this.move(layer)
    }
    this.#kernel.after(LOOK_EVERY, () => this.#look())
  }
}
