import type { Chance } from './chance.ts'

/** What the API server, or the way to it, does to a write. before: it never reaches the server; after: it took effect and nobody is told so. */
export const onWrite = [
  ...['crash-before', 'crash-after', 'conflict', 'throttled', 'error-before', 'error-after'],
  ...['reset-before', 'reset-after', 'truncated', 'silent-before', 'silent-after', 'late'],
] as const
/** What happens to a list, a get or the beginning of a watch. stale: a list answers what it answered before. */
export const onRead = ['throttled', 'error', 'gone', 'truncated', 'reset', 'silent', 'late', 'stale'] as const
/** What happens at an event of a watch. lost: it goes with its connection; rewind: the last ones come once more; cut: half a line, then nothing. */
export const onEvent = ['crash', 'late', 'lost', 'rewind', 'gone-event', 'gone-status', 'error-event', 'cut', 'ended', 'hang'] as const
/** What happens at a write to the index. lost: it took effect and the answer did not come. */
export const onIndex = ['crash-before', 'crash-after', 'away', 'lost', 'late'] as const
/** What happens, at a write to the index, to the connection with Redis or to Redis itself. */
export const onRedis = [
  'latency',
  'jitter',
  'pieces',
  'reset',
  'blackhole',
  'restart',
  'restart-empty',
  'crash-before',
  'crash-after',
] as const

const kinds = { write: onWrite, read: onRead, event: onEvent, index: onIndex, redis: onRedis } as const
export type Place = keyof typeof kinds
export type Kind<P extends Place> = (typeof kinds)[P][number]

export interface Strike {
  readonly place: Place
  /** The number of the write, read or event that it comes with, from 1. */
  readonly at: number
  readonly what: string
  /** How long it lasts, where it lasts. */
  readonly ms: number
}

/** How often each was seen in a run. */
export type Seen = Readonly<Record<Place, number>>

/** The faults of one plan. The count goes on through every life of the operator. */
export class Strikes {
  readonly #planned: Strike[]
  readonly #seen: Record<Place, number> = { write: 0, read: 0, event: 0, index: 0, redis: 0 }
  readonly done: string[] = []
  /** When the last one struck, or began to last; performance.now(). */
  lastAt = 0

  constructor(planned: readonly Strike[]) {
    this.#planned = [...planned]
  }

  get seen(): Seen {
    return { ...this.#seen }
  }

  /** Counts one more of the kind; answers the fault that comes with it. */
  next<P extends Place>(place: P, about: string): (Strike & { readonly what: Kind<P> }) | undefined {
    this.#seen[place] += 1
    const at = this.#planned.findIndex((one) => one.place === place && one.at <= this.#seen[place])
    if (at < 0) return undefined
    const [strike] = this.#planned.splice(at, 1)
    if (strike === undefined) return undefined
    this.done.push(`${place} ${this.#seen[place]} ${strike.what} ${strike.ms} ms: ${about}`)
    this.lastAt = performance.now() + strike.ms
    return strike as Strike & { readonly what: Kind<P> }
  }
}

const MOST_STRIKES = 4
const MOST_KILLS = 3
const LONGEST_MS = 1_500

/** The faults of a seed: one to four, at moments that an undisturbed run of the scenario has (`seen`). */
export function planStrikes(random: Chance, seen: Seen, overRedis: boolean): readonly Strike[] {
  const places: readonly Place[] = overRedis ? ['redis', 'redis', 'write', 'event'] : ['write', 'write', 'event', 'event', 'read', 'index']
  return Array.from({ length: 1 + random.below(MOST_STRIKES) }, () => {
    const place = random.of(places)
    return {
      place,
      at: 1 + random.below(Math.max(1, seen[place])),
      what: random.of<string>(kinds[place]),
      ms: 1 + random.below(LONGEST_MS),
    }
  })
}

/** Where a process is killed, by the seed: one to three times, before or after a write to the API server or the index, or as it hears of a change. */
export function planKills(random: Chance, seen: Seen): readonly Strike[] {
  return Array.from({ length: 1 + random.below(MOST_KILLS) }, () => {
    const place = random.of(['write', 'write', 'redis', 'redis', 'event'] as const)
    const what = place === 'event' ? 'crash' : random.of(['crash-before', 'crash-after'] as const)
    return { place, at: 1 + random.below(Math.max(1, seen[place])), what, ms: 0 }
  })
}
