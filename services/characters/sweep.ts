import { setTimeout } from 'node:timers/promises'
import { sweepErasures, tellFailedErasures } from '../../core/erasures.ts'
import { describeError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { DUE_SWEEP_BUSY, DUE_SWEEP_EVERY } from '../../core/timing.ts'
import { sweepRequests } from '../../platform/http/index.ts'
import type { Counter, Metrics } from '../../platform/metrics/index.ts'
import { beginErasure, continueErasure } from './erase.ts'
import type { SettleDeps } from './settle.ts'
import { settle } from './settle.ts'

/** So many chains of a kind are looked at in one round. */
const PAGE = 50

export interface SweepDeps extends SettleDeps {
  readonly log: Log
  readonly metrics: Metrics
}

/** What is done with a chain that is due, by its kind (core/chains.ts). Each is safe twice, and by several at once. */
const kinds: Readonly<Record<string, (deps: SweepDeps, chain: string) => Promise<unknown>>> = {
  character: (deps, chain) => settle(deps, idOf(chain)),
  'account-characters': (deps, chain) => continueErasure(deps, idOf(chain)),
  'account-requests': ({ store, clock }, chain) => sweepRequests(store, chain, clock.now()),
}

/**
 * One round: ends what was begun and left (makings, renamings), deletes what is to be deleted by now, erases what deleted accounts left, forgets old answers. Bounded; answers how many
 * chains it looked at. One that fails is told in the log and comes again in the next round. When the erasures can not be read it throws, after all the rest is done.
 */
export async function sweepDue(deps: SweepDeps, swept?: Counter, failed = tellFailedErasures(deps.log)): Promise<number> {
  const { store, clock, log } = deps
  const now = clock.now()
  const erase = (account: string): Promise<void> => beginErasure(store, account, now)
  const [erasures] = await Promise.allSettled([sweepErasures(store, 'characters', now, { erase, failed })])
  let looked = erasures.status === 'fulfilled' ? erasures.value : 0
  for (const [kind, work] of Object.entries(kinds)) {
    for (const chain of await store.due(kind, now, PAGE)) {
      looked += 1
      try {
        const head = await store.head(chain)
        // Due is only what is behind the head: whoever was to drop that died.
        if (head !== undefined && (head.due === undefined || head.due > now)) await store.prune(chain, head.n)
        else await work(deps, chain)
        swept?.add({ kind, result: 'Done' })
      } catch (error) {
        swept?.add({ kind, result: 'Failed' })
        log.warn({ chain, detail: describeError(error) }, 'what is due could not be done; it is tried again')
      }
    }
  }
  if (erasures.status === 'rejected') throw erasures.reason
  return looked
}

export interface DueSweeper {
  /** Ends after the chain that is being looked at. */
  stop(): Promise<void>
}

/** Sweeps every DUE_SWEEP_EVERY on average, and sooner while there is much. Any number of services may do so over one store. */
export function startDueSweeper(deps: SweepDeps): DueSweeper {
  const stop = new AbortController()
  const swept = deps.metrics.counter('characters_swept_total', 'Chains that were due and looked at', ['kind', 'result'])
  const failed = tellFailedErasures(deps.log)
  let failing = false
  const round = async (): Promise<number> => {
    try {
      const looked = await sweepDue(deps, swept, failed)
      failing = false
      return looked
    } catch (error) {
      // Said once an outage.
      if (!failing) deps.log.warn({ detail: describeError(error) }, 'what is due can not be read')
      failing = true
      return 0
    }
  }
  const loop = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const wait = (await round()) >= PAGE ? DUE_SWEEP_BUSY : DUE_SWEEP_EVERY
      await pause(wait * (0.5 + Math.random()), stop.signal)
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

function idOf(chain: string): string {
  return chain.slice(chain.indexOf('/') + 1)
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(ms, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
