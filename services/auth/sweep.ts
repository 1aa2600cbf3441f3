import { systemClock } from '../../core/clock.ts'
import type { DueKinds, Sweeper, SweepMemory } from '../../core/due-sweep.ts'
import { idOf, PutOff, startSweeper, sweepDueChains } from '../../core/due-sweep.ts'
import { tellFailedErasures } from '../../core/erasures.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { ListedStore } from '../../core/ports/store-archive-port.ts'
import type { Metrics } from '../../platform/metrics/index.ts'
import { eraseAgain, eraseDeleted } from './erasure.ts'
import { settleIdentity } from './identities.ts'
import { settleName } from './name-claims.ts'
import { OlderSessions } from './older-sessions.ts'
import type { SessionDeps } from './sessions.ts'
import { settleSession } from './sessions.ts'

export interface SweepDeps extends SessionDeps {
  readonly store: ListedStore
  readonly log: Log
}

/** A round without it is a first one. */
export interface RoundMemory extends SweepMemory {
  /** Absent: they are not looked for. */
  readonly older?: OlderSessions
  readonly failed: (account: string, error: unknown) => void
}

/**
 * One round: erases what deleted accounts left, ends sessions that nobody used for so long that nobody can, forgets those that have ended long ago, and settles the claims of names whose registration is over. Bounded; answers
 * how much of what is due it looked at. When the erasures can not be read it throws, after all the rest is done.
 */
export async function sweepAuth(deps: SweepDeps, memory: RoundMemory = forgetful(deps)): Promise<number> {
  const { store, clock } = deps
  const kinds: DueKinds = {
    session: (chain) => settleSession(deps, idOf(chain)),
    'account-name': (chain) => settleName(store, chain, clock.now()),
    'account-identity': (chain) => settleIdentity(store, chain, clock.now()),
    'auth-erasures': (chain) => eraseAgain(deps, idOf(chain), memory.failed),
  }
  const [erased] = await Promise.allSettled([eraseDeleted(deps, memory.failed)])
  const looked = await sweepDueChains(deps, kinds, memory)
  await memory.older?.look(deps, memory.putOff, memory.stopping)
  if (erased.status === 'rejected') throw erased.reason
  return looked + erased.value
}

/** Sweeps until it is stopped; any number of replicas may, over one store. */
export function startSweepingAuth(deps: SweepDeps & { readonly metrics: Metrics }): Sweeper {
  const swept = deps.metrics.counter('auth_swept_total', 'Chains that were due and looked at', ['kind', 'result'])
  const memory = { ...forgetful(deps), told: (kind: string, result: string) => swept.add({ kind, result }) }
  return startSweeper((stopping) => sweepAuth(deps, { ...memory, stopping }), deps.log, systemClock)
}

function forgetful({ log }: SweepDeps): RoundMemory {
  return { putOff: new PutOff(), older: new OlderSessions(), failed: tellFailedErasures(log) }
}
