import type { DueKind } from './chains.ts'
import type { Clock, Timers } from './clock.ts'
import { sleep } from './clock.ts'
import { describeError } from './errors.ts'
import type { Log } from './ports/log-port.ts'
import type { Store } from './ports/store-port.ts'
import { DUE_SWEEP_BUSY, DUE_SWEEP_EVERY, DUE_SWEEP_PUT_OFF_MAX } from './timing.ts'

/** What is done with a chain that is due, by its kind. Each is safe twice, and by several processes at once: there is no leader. */
export type DueKinds = Readonly<Partial<Record<DueKind, (chain: string) => Promise<unknown>>>>

/** Told of each chain that was looked at. */
export type Told = (kind: string, result: 'Done' | 'Failed') => void

export interface DueSweepDeps {
  readonly store: Pick<Store, 'due' | 'head' | 'prune'>
  readonly clock: Clock
  readonly log: Log
}

/** So many chains of a kind are looked at in one round. */
export const DUE_PAGE = 50
/** So many that fail are known; they come with each page, so that others are seen behind them. */
const PUT_OFF_KEPT = 500

/** Chains that could not be dealt with: each waits twice as long as before, and is told in the log once. */
export class PutOff {
  readonly #chains = new Map<string, { readonly failures: number; readonly until: number }>()

  get size(): number {
    return this.#chains.size
  }

  waits(chain: string, now: number): boolean {
    return (this.#chains.get(chain)?.until ?? 0) > now
  }

  /** True: for the first time. */
  failed(chain: string, now: number, random: number): boolean {
    const failures = (this.#chains.get(chain)?.failures ?? 0) + 1
    const wait = Math.min(DUE_SWEEP_PUT_OFF_MAX, DUE_SWEEP_EVERY * 2 ** Math.min(failures - 1, 30)) * (0.75 + 0.5 * random)
    this.#chains.delete(chain)
    this.#chains.set(chain, { failures, until: now + wait })
    if (this.#chains.size > PUT_OFF_KEPT) {
      const [oldest] = this.#chains.keys()
      if (oldest !== undefined) this.#chains.delete(oldest)
    }
    return failures === 1
  }

  done(chain: string): void {
    this.#chains.delete(chain)
  }
}

/** What one process remembers from round to round. */
export interface SweepMemory {
  readonly putOff: PutOff
  readonly told?: Told
  /** The round ends behind the chain that is being looked at. */
  readonly stopping?: AbortSignal
}

/**
 * One round: looks at what is due of each kind, the longest due first, and answers at how many chains. Bounded. One that fails is told to `told`, in the log, and put off. Throws when
 * the store does not say what is due.
 */
export async function sweepDueChains(
  { store, clock, log }: DueSweepDeps,
  kinds: DueKinds,
  { putOff, told, stopping }: SweepMemory,
): Promise<number> {
  const now = clock.now()
  const isStopping = (): boolean => stopping?.aborted === true
  let looked = 0
  for (const [kind, work] of Object.entries(kinds)) {
    if (isStopping()) break
    const due = await store.due(kind, now, DUE_PAGE + putOff.size)
    for (const chain of due.filter((each) => !putOff.waits(each, now)).slice(0, DUE_PAGE)) {
      if (isStopping()) break
      looked += 1
      try {
        const head = await store.head(chain)
        // Due is only what is behind the head: whoever was to drop that died.
        if (head !== undefined && (head.due === undefined || head.due > now)) await store.prune(chain, head.n)
        else await work(chain)
        putOff.done(chain)
        told?.(kind, 'Done')
      } catch (error) {
        told?.(kind, 'Failed')
        if (putOff.failed(chain, now, Math.random()))
          log.warn({ chain, detail: describeError(error) }, 'what is due could not be done; it is tried again')
      }
    }
  }
  return looked
}

export interface Sweeper {
  /** Ends behind the chain that is being looked at. */
  stop(): Promise<void>
}

/**
 * Does `round`, which answers how much there was, again and again: every DUE_SWEEP_EVERY on average, and sooner while there is as much as it does at once. With jitter, so that replicas
 * do not sweep in step. An outage is told in the log once.
 */
export function startSweeper(round: (stopping: AbortSignal) => Promise<number>, log: Log, timers: Timers): Sweeper {
  const stop = new AbortController()
  let failing = false
  const once = async (): Promise<number> => {
    try {
      const looked = await round(stop.signal)
      failing = false
      return looked
    } catch (error) {
      if (!failing && !stop.signal.aborted) log.warn({ detail: describeError(error) }, 'what is due can not be read')
      failing = true
      return 0
    }
  }
  const loop = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const wait = (await once()) >= DUE_PAGE ? DUE_SWEEP_BUSY : DUE_SWEEP_EVERY
      await sleep(timers, wait * (0.5 + timers.random()), stop.signal).catch((error: unknown) => {
        if (!stop.signal.aborted) throw error
      })
    }
  }
  const done = loop()
  return {
    async stop() {
      stop.abort()
      await done
    },
  }
}

/** The rest of a chain's name behind its kind. */
export function idOf(chain: string): string {
  return chain.slice(chain.indexOf('/') + 1)
}
