import type { LayerId } from '../../../core/ids.ts'
import { HEARTBEAT_EVERY } from '../../../core/timing.ts'
import type { LayerHistory } from './history.ts'
import type { SimulatedHost } from './host.ts'
import type { IndexServer } from './index-server.ts'
import type { Kernel } from './kernel.ts'
import { FAIR, type Network, type Weather } from './network.ts'
import type { Placement } from './placement.ts'
import type { StoreServer } from './store-server.ts'

export interface StrikesDeps {
  readonly kernel: Kernel
  readonly network: Network
  readonly index: IndexServer
  readonly store: StoreServer
  readonly placement: Placement
  readonly histories: ReadonlyMap<LayerId, LayerHistory>
  /** Nothing that was confirmed may be lost. */
  readonly gently: boolean
}

const ROUGH: Weather = { loss: 0.02, duplication: 0.02, lateness: 0.05, usualMs: 30, lateMs: 4_000 }

/** What can befall the world, each with its end. */
export class Strikes {
  readonly #deps: StrikesDeps
  readonly #repairs = new Set<() => void>()
  #over = false
  /** When somebody last lost its memory, or the way to it. */
  struckAt = 0
  kills = 0

  constructor(deps: StrikesDeps) {
    this.#deps = deps
  }

  /** Everything is as it should be from now on. */
  end(): void {
    this.#over = true
    for (const repair of [...this.#repairs]) repair()
    this.#deps.network.weather = FAIR
  }

  #for(ms: number, repair: () => void): void {
    const { kernel } = this.#deps
    const once = (): void => {
      if (this.#repairs.delete(once)) repair()
    }
    this.#repairs.add(once)
    kernel.after(ms, once)
  }

  weather(): void {
    const { kernel, network } = this.#deps
    network.weather = ROUGH
    this.#for(kernel.between(500, 3_000), () => {
      network.weather = FAIR
    })
  }

  move(): void {
    const layer = this.#layer()
    // Who alone remembers what the index forgot is not sent away in the same breath: that would be two faults.
    if (layer === undefined || (this.#deps.gently && this.#deps.histories.get(layer)?.hasForgotten === true)) return
    this.#deps.placement.move(layer)
  }

  close(): void {
    const layer = this.#layer()
    if (layer !== undefined) this.#deps.placement.close(layer)
  }

  jump(): void {
    const { kernel, placement } = this.#deps
    kernel.pick(placement.hosts)?.process.jump(kernel.between(-5_000, 5_000))
  }

  freezeIndex(): void {
    const { kernel, index } = this.#deps
    index.server.freeze()
    this.#for(kernel.between(100, 5_000), () => index.server.rise())
  }

  storeAway(): void {
    const { kernel, store } = this.#deps
    if (kernel.chance(0.5)) store.server.freeze()
    else store.server.down()
    this.#for(kernel.between(100, 4_000), () => store.server.rise())
  }

  cutOff(): void {
    const { kernel, index, store, placement } = this.#deps
    const host = kernel.pick(placement.hosts)
    if (host === undefined) return
    const server = kernel.chance(0.7) ? index.server : store.server
    server.cutFrom.add(host.process)
    this.#for(kernel.between(100, 5_000), () => server.cutFrom.delete(host.process))
  }

  pause(): void {
    const { kernel, placement } = this.#deps
    const host = kernel.pick(placement.hosts)
    if (host === undefined) return
    this.struckAt = kernel.now
    this.#stands(host, kernel.between(20, 8_000))
  }

  kill(): void {
    const { kernel, placement } = this.#deps
    const host = kernel.pick(placement.hosts.filter(({ process }) => process.alive))
    if (host === undefined) return
    this.struckAt = kernel.now
    host.process.crash()
    this.kills++
    placement.hosts.splice(placement.hosts.indexOf(host), 1)
    placement.bear()
  }

  replaced(): void {
    const { kernel, placement, index } = this.#deps
    const layer = this.#fenced()
    const host = layer === undefined ? undefined : placement.hostOf(layer)
    if (layer === undefined || host === undefined) return
    this.#stands(host, kernel.between(1_000, 3_000))
    const { position } = index
    placement.move(layer)
    kernel.after(kernel.between(150, 900), () => this.#forgets(position))
  }

  overtaken(): void {
    const { kernel, placement, network, index } = this.#deps
    const layer = this.#fenced()
    if (layer === undefined) return
    placement.move(layer)
    const first = placement.hostOf(layer)
    // Which step of the claim is its last for a while.
    let left = kernel.between(1, 9)
    const { position } = index
    const over = network.watch((caller, what) => {
      if (caller !== first?.process || !what.includes(layer) || --left > 0) return
      over()
      if (this.#over) return
      this.#stands(first, kernel.between(1_000, 2_000))
      placement.move(layer)
      kernel.after(kernel.between(400, 900), () => {
        const second = placement.hostOf(layer)
        if (second !== undefined && second !== first) this.#stands(second, kernel.between(500, 2_500))
        this.#forgets(position)
      })
    })
  }

  #stands(host: SimulatedHost, ms: number): void {
    host.process.pause()
    this.#for(ms, () => host.process.resume())
  }

  /** All, what happened since it stood there, or some of it. */
  #forgets(position: number): void {
    const { kernel, index } = this.#deps
    if (this.#over) return
    if (kernel.chance(0.3)) index.flush()
    else index.failOver(kernel.chance(0.6) ? position : kernel.between(position, index.position))
  }

  restartIndex(): void {
    this.#indexGoes((index) => index.restart())
  }

  flushIndex(): void {
    this.#indexGoes((index) => index.flush())
  }

  emptied(): void {
    const { kernel, index, placement } = this.#deps
    const layer = this.#layer()
    if (layer === undefined) return
    this.struckAt = kernel.now
    index.flush()
    for (const host of placement.hosts) kernel.after(kernel.between(0, HEARTBEAT_EVERY), () => host.forgotten())
    // It knows of no owner. One that lives hears by a heartbeat that it is a stranger, registers, and only then what became of its layers.
    placement.move(layer, HEARTBEAT_EVERY * 2)
  }

  failOver(): void {
    const count = this.#deps.kernel.between(1, 30)
    this.#indexGoes((index) => index.failOver(index.position - count))
  }

  #indexGoes(how: (index: IndexServer) => void): void {
    const { kernel, index } = this.#deps
    this.struckAt = kernel.now
    how(index)
    // Connections that nobody takes, for a while, or none that were even cut.
    if (kernel.chance(0.5)) return
    index.server.down()
    this.#for(kernel.between(10, 3_000), () => index.server.rise())
  }

  /** A layer whose next claim has no owner to wait for. */
  #fenced(): LayerId | undefined {
    const { kernel, histories, index } = this.#deps
    return kernel.pick([...histories.keys()].filter((layer) => index.hasFence(layer)))
  }

  #layer(): LayerId | undefined {
    return this.#deps.kernel.pick([...this.#deps.histories.keys()])
  }
}
