import { BailiwickError } from '../../../../core/errors.ts'
import type { ZoneIndex } from '../../../../core/ports/index-port.ts'
import type { Store } from '../../../../core/ports/store-port.ts'
import type { Metrics } from '../../../../platform/metrics/index.ts'

/** Hundreds of operators live here: real metrics would be kept of each. */
export const noMetrics: Metrics = {
  counter: () => ({ add() {} }),
  gauge: () => ({ set() {} }),
  tallied: () => undefined,
  sampled() {},
  sampledBy() {},
  histogram: () => ({ observe() {} }),
  text: async () => '',
  contentType: 'text/plain',
}

/** One life of an operator: its k-th write takes effect, and its answer is never heard. Nothing works afterwards. */
export class Life {
  readonly #diesAt: number
  readonly death = Promise.withResolvers<void>()
  writes = 0
  dead = false

  constructor(diesAt = Number.POSITIVE_INFINITY) {
    this.#diesAt = diesAt
  }

  async write<T>(work: () => Promise<T>): Promise<T> {
    this.#live()
    const answer = await work()
    this.writes += 1
    if (this.writes >= this.#diesAt) {
      this.dead = true
      this.death.resolve()
    }
    this.#live()
    return answer
  }

  async read<T>(work: () => Promise<T>): Promise<T> {
    this.#live()
    const answer = await work()
    this.#live()
    return answer
  }

  #live(): void {
    if (this.dead) throw new BailiwickError('Internal', { found: 'the operator was killed' })
  }
}

/** What of the index the operator changes. */
export const indexWrites = new Set<string>([
  'putZone',
  'deleteZone',
  'placeLayer',
  'requestClose',
  'barZone',
  'unbarZone',
  'forgetZone',
  'dropJournal',
])
const storeWrites = new Set<string>(['append', 'prune'])

export const mortalIndex = (index: ZoneIndex, life: Life): ZoneIndex => mortal(index, life, indexWrites)
export const mortalStore = (store: Store, life: Life): Store => mortal(store, life, storeWrites)

/** The index behind a switch: while `away()` says so, it does not answer. */
export function switchedIndex(index: ZoneIndex, away: () => boolean): ZoneIndex {
  return new Proxy(index, {
    get(object, name, receiver) {
      const value: unknown = Reflect.get(object, name, receiver)
      if (typeof value !== 'function') return value
      return async (...args: unknown[]) => {
        if (away()) throw new BailiwickError('IndexUnavailable')
        return value.apply(object, args)
      }
    },
  })
}

function mortal<T extends object>(target: T, life: Life, writes: ReadonlySet<string>): T {
  return new Proxy(target, {
    get(object, name, receiver) {
      const value: unknown = Reflect.get(object, name, receiver)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        const call = async (): Promise<unknown> => value.apply(object, args)
        return writes.has(String(name)) ? life.write(call) : life.read(call)
      }
    },
  })
}
