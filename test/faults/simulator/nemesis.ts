import type { LayerId } from '../../../core/ids.ts'
import type { LayerHistory } from './history.ts'
import type { SimulatedHost } from './host.ts'
import type { IndexServer } from './index-server.ts'
import type { Kernel } from './kernel.ts'
import { FAIR, type Network, type Weather } from './network.ts'
import type { Placement } from './placement.ts'
import type { StoreServer } from './store-server.ts'

/**
 * `single`: one fault that can lose something at a time, the next when the world has recovered; nothing confirmed may be lost. `storm`: anything at any time; a tail of
 * confirmed ticks may be lost with owner and index, but never two of one tick, nor two of one thing. `takeovers`: of these the ones in which an owner, or one who nearly was, comes back
 * when others went on without it. `kills`: only the owners' processes die, often.
 */
export type Profile = 'single' | 'storm' | 'takeovers' | 'kills'

export interface NemesisDeps {
  readonly kernel: Kernel
  readonly network: Network
  readonly index: IndexServer
  readonly store: StoreServer
  readonly placement: Placement
  readonly histories: ReadonlyMap<LayerId, LayerHistory>
  readonly profile: Profile
}

type Fault = readonly [weight: number, name: string, strike: (nemesis: Nemesis) => void]

const ROUGH: Weather = { loss: 0.02, duplication: 0.02, lateness: 0.05, usualMs: 30, lateMs: 4_000 }

/** Faults that lose nothing by themselves, whatever else happens. */
const harmless: readonly Fault[] = [
  [3, 'bad weather', (n) => n.weather()],
  [3, 'a layer is moved while its owner lives', (n) => n.move()],
  [2, 'a layer is closed', (n) => n.close()],
  [2, 'a clock jumps', (n) => n.jump()],
  [2, 'the index freezes', (n) => n.freezeIndex()],
  [1, 'the store is away', (n) => n.storeAway()],
  [2, 'a host is cut off', (n) => n.cutOff()],
]
/** Faults that cost somebody its memory, or the way to it. */
const losing: readonly Fault[] = [
  [4, 'a host pauses', (n) => n.pause()],
  [4, 'a host is killed', (n) => n.kill()],
  [2, 'the index restarts with its data', (n) => n.restartIndex()],
  [2, 'the index restarts without data', (n) => n.flushIndex()],
  [3, 'a replica of the index takes over', (n) => n.failOver()],
]
/** Several at once, in an order that is rare by chance: who owned or nearly owned a layer comes back when index and successor are gone. */
const together: readonly Fault[] = [
  [2, 'an owner is replaced while it stands still, and the index forgets that', (n) => n.replaced()],
  [2, 'a claim stands still, is overtaken, and the index forgets that', (n) => n.overtaken()],
]
const kills: readonly Fault[] = [[1, 'a host is killed', (n) => n.kill()]]

/** The least and the most between two faults, milliseconds. */
const rhythm: Readonly<Record<Profile, readonly [number, number]>> = {
  single: [200, 1_500],
  storm: [50, 900],
  takeovers: [700, 2_500],
  kills: [100, 1_000],
}

/** Where faults come from. */
export class Nemesis {
  readonly #deps: NemesisDeps
  #over = false
  #struckAt = 0
  kills = 0
  readonly #repairs = new Set<() => void>()

  constructor(deps: NemesisDeps) {
    this.#deps = deps
    this.#later()
  }

  /** Everything is as it should be from now on. */
  end(): void {
    this.#over = true
    for (const repair of [...this.#repairs]) repair()
    this.#deps.network.weather = FAIR
  }

  #later(): void {
    const { kernel, profile } = this.#deps
    const [least, most] = rhythm[profile]
    kernel.after(kernel.between(least, most), () => {
      if (this.#over) return
      this.#strike()
      this.#later()
    })
  }

  #strike(): void {
    const { kernel } = this.#deps
    const faults = this.#faults()
    let roll = kernel.random() * faults.reduce((sum, [weight]) => sum + weight, 0)
    const fault = faults.find(([weight]) => {
      roll -= weight
      return roll < 0
    })
    if (fault === undefined) return
    kernel.note(`nemesis: ${fault[1]}`)
    fault[2](this)
  }

  /** What may happen now. */
  #faults(): readonly Fault[] {
    switch (this.#deps.profile) {
      case 'single':
        return this.#isStable() ? [...harmless, ...losing] : harmless
      case 'storm':
        return [...harmless, ...losing, ...together]
      case 'takeovers':
        return together
      case 'kills':
        return this.#isStable() ? kills : []
    }
  }

  /** Every layer has its owner, and what the index forgot is in the store: the next fault is the only one. */
  #isStable(): boolean {
    const { placement, histories, index, store, kernel } = this.#deps
    if (!index.server.up || !store.server.up || kernel.now - this.#struckAt < 1_000) return false
    return [...histories].every(([layer, history]) => placement.isServed(layer) && !history.hasForgotten && history.count > 0)
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
    if (layer === undefined || (this.#deps.profile === 'single' && this.#deps.histories.get(layer)?.hasForgotten === true)) return
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
    this.#struckAt = kernel.now
    this.#stands(host, kernel.between(20, 8_000))
  }

  kill(): void {
    const { kernel, placement } = this.#deps
    const host = kernel.pick(placement.hosts.filter(({ process }) => process.alive))
    if (host === undefined) return
    this.#struckAt = kernel.now
    host.process.crash()
    this.kills++
    placement.hosts.splice(placement.hosts.indexOf(host), 1)
    placement.bear()
  }

  replaced(): void {
    const { kernel, placement, index } = this.#deps
    const layer = this.#layer()
    const host = layer === undefined ? undefined : placement.hostOf(layer)
    if (layer === undefined || host === undefined) return
    this.#stands(host, kernel.between(1_000, 3_000))
    const { position } = index
    placement.move(layer)
    kernel.after(kernel.between(150, 900), () => this.#forgets(position))
  }

  overtaken(): void {
    const { kernel, placement, network, index } = this.#deps
    const layer = this.#layer()
    if (layer === undefined) return
    placement.move(layer)
    const first = placement.hostOf(layer)
    // Which step of the claim is its last for a while.
    let left = kernel.between(1, 8)
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

  failOver(): void {
    const count = this.#deps.kernel.between(1, 30)
    this.#indexGoes((index) => index.failOver(index.position - count))
  }

  #indexGoes(how: (index: IndexServer) => void): void {
    const { kernel, index } = this.#deps
    this.#struckAt = kernel.now
    how(index)
    // Connections that nobody takes, for a while, or none that were even cut.
    if (kernel.chance(0.5)) return
    index.server.down()
    this.#for(kernel.between(10, 3_000), () => index.server.rise())
  }

  #layer(): LayerId | undefined {
    return this.#deps.kernel.pick([...this.#deps.histories.keys()])
  }
}
