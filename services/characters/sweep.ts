import { systemClock } from '../../core/clock.ts'
import type { DueKinds, Sweeper, SweepMemory } from '../../core/due-sweep.ts'
import { idOf, PutOff, startSweeper, sweepDueChains } from '../../core/due-sweep.ts'
import { retryErasure, sweepErasures, tellFailedErasures } from '../../core/erasures.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { sweepRequests } from '../../platform/http/index.ts'
import type { Metrics } from '../../platform/metrics/index.ts'
import { beginErasure, continueErasure } from './erase.ts'
import type { SettleDeps } from './settle.ts'
import { settle } from './settle.ts'

export interface SweepDeps extends SettleDeps {
  readonly log: Log
}

/** A round without it is a first one. */
export interface RoundMemory extends SweepMemory {
  readonly failed: (account: string, error: unknown) => void
}

/**
 * One round: ends what was begun and left (makings, renamings), deletes what is to be deleted by now, erases what deleted accounts left, forgets old answers. Bounded; answers how many
 * chains it looked at. When the erasures can not be read it throws, after all the rest is done.
 */
export async function sweepDue(deps: SweepDeps, memory: RoundMemory = forgetful(deps)): Promise<number> {
  const { store, clock } = deps
  const now = clock.now()
  const work = { erase: (account: string) => beginErasure(store, account, now), failed: memory.failed }
  const kinds: DueKinds = {
    character: (chain) => settle(deps, idOf(chain)),
    'account-characters': (chain) => continueErasure(deps, idOf(chain)),
    // Of every service that heeds Idempotency-Key.
    'account-requests': (chain) => sweepRequests(store, chain, now),
    'characters-erasures': (chain) => retryErasure(store, 'characters', idOf(chain), now, work),
  }
  const [erased] = await Promise.allSettled([sweepErasures(store, 'characters', now, work)])
  const looked = await sweepDueChains(deps, kinds, memory)
  if (erased.status === 'rejected') throw erased.reason
  return looked + erased.value
}

/** Sweeps until it is stopped; any number of services may, over one store. */
export function startDueSweeper(deps: SweepDeps & { readonly metrics: Metrics }): Sweeper {
  const swept = deps.metrics.counter('characters_swept_total', 'Chains that were due and looked at', ['kind', 'result'])
  const memory = { ...forgetful(deps), told: (kind: string, result: string) => swept.add({ kind, result }) }
  return startSweeper((stopping) => sweepDue(deps, { ...memory, stopping }), deps.log, systemClock)
}

function forgetful({ log }: SweepDeps): RoundMemory {
  return { putOff: new PutOff(), failed: tellFailedErasures(log) }
}
