import { Strikes, type StrikesDeps } from './strikes.ts'

/**
 * `single`: one fault that can lose something at a time, the next when the world has recovered; nothing confirmed may be lost. `storm`: anything at any time; a tail of
 * confirmed ticks may be lost with owner and index, but never two of one tick, nor two of one thing. `takeovers`: of these the ones in which an owner, or one who nearly was, comes back
 * when others went on without it. `emptied`: the index loses everything and sends another host to where an owner lives; nothing confirmed may be lost. `kills`: only the owners' processes die, often.
 */
export type Profile = 'single' | 'storm' | 'takeovers' | 'emptied' | 'kills'

export interface NemesisDeps extends Omit<StrikesDeps, 'gently'> {
  readonly profile: Profile
}

type Fault = readonly [weight: number, name: string, strike: (strikes: Strikes) => void]

/** Faults that lose nothing by themselves, whatever else happens. */
const harmless: readonly Fault[] = [
  [3, 'bad weather', (s) => s.weather()],
  [3, 'a layer is moved while its owner lives', (s) => s.move()],
  [2, 'a layer is closed', (s) => s.close()],
  [2, 'a clock jumps', (s) => s.jump()],
  [2, 'the index freezes', (s) => s.freezeIndex()],
  [1, 'the store is away', (s) => s.storeAway()],
  [2, 'a host is cut off', (s) => s.cutOff()],
]
/** Faults that cost somebody its memory, or the way to it. */
const losing: readonly Fault[] = [
  [4, 'a host pauses', (s) => s.pause()],
  [4, 'a host is killed', (s) => s.kill()],
  [2, 'the index restarts with its data', (s) => s.restartIndex()],
  [2, 'the index restarts without data', (s) => s.flushIndex()],
  [3, 'a replica of the index takes over', (s) => s.failOver()],
]
/** Several at once, in an order that is rare by chance: who owned or nearly owned a layer comes back when index and successor are gone. */
const together: readonly Fault[] = [
  [2, 'an owner is replaced while it stands still, and the index forgets that', (s) => s.replaced()],
  [2, 'a claim stands still, is overtaken, and the index forgets that', (s) => s.overtaken()],
]
const emptied: readonly Fault[] = [[1, 'the index is emptied, and gives a layer to another while its owner lives', (s) => s.emptied()]]
const kills: readonly Fault[] = [[1, 'a host is killed', (s) => s.kill()]]

/** The least and the most between two faults, milliseconds. */
const rhythm: Readonly<Record<Profile, readonly [number, number]>> = {
  single: [200, 1_500],
  storm: [50, 900],
  takeovers: [700, 2_500],
  emptied: [300, 1_500],
  kills: [100, 1_000],
}

/** Where faults come from. */
export class Nemesis {
  readonly #deps: NemesisDeps
  readonly #strikes: Strikes
  #over = false

  constructor(deps: NemesisDeps) {
    this.#deps = deps
    this.#strikes = new Strikes({ ...deps, gently: deps.profile === 'single' })
    this.#later()
  }

  /** Everything is as it should be from now on. */
  end(): void {
    this.#over = true
    this.#strikes.end()
  }

  /** Hosts that were killed. */
  get kills(): number {
    return this.#strikes.kills
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
    fault[2](this.#strikes)
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
      case 'emptied':
        return this.#isStable() ? emptied : []
      case 'kills':
        return this.#isStable() ? kills : []
    }
  }

  /** Every layer has its owner, and what the index forgot is in the store: the next fault is the only one. */
  #isStable(): boolean {
    const { placement, histories, index, store, kernel } = this.#deps
    if (!index.server.up || !store.server.up || kernel.now - this.#strikes.struckAt < 1_000) return false
    return [...histories].every(([layer, history]) => placement.isServed(layer) && !history.hasForgotten && history.count > 0)
  }
}
