import { chains } from '../../core/chains.ts'
import { changeChain } from '../../core/change-chain.ts'
import { sweepErasures, tellFailedErasures } from '../../core/erasures.ts'
import { describeError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { ERASURE_SWEEP_EVERY } from '../../core/timing.ts'
import { eraseAccount } from './accounts.ts'
import { eraseRoster, readRoster } from './roster.ts'
import type { SessionDeps } from './sessions.ts'
import { eraseStaff } from './staff.ts'

/**
 * Erases what deleted accounts left with auth: their sessions, the roster of them, their place among the staff, and the name if its holder died before it freed it. Answers how many; `failed` is told of those that
 * it could not erase.
 */
export function eraseDeleted(deps: SessionDeps, failed: (account: string, error: unknown) => void): Promise<number> {
  const { store, clock } = deps
  const erase = async (account: string): Promise<void> => {
    const roster = await readRoster(store, account)
    for (const { id } of roster?.sessions ?? []) await eraseSession(deps, id)
    await eraseRoster(store, account)
    await eraseStaff(store, account)
    await eraseAccount(store, account)
  }
  return sweepErasures(store, 'auth', clock.now(), { erase, failed })
}

/** Ended, and without the account's id. */
async function eraseSession({ store }: SessionDeps, session: string): Promise<void> {
  await changeChain(
    store,
    chains.session(session),
    (head) =>
      head?.kind === 'live' ? { record: { kind: 'ended', data: { reason: 'AccountDeleted' } }, result: undefined } : { result: undefined },
    'always',
  )
}

/** Sweeps until it is stopped, with jitter; any number of replicas may. `stop` resolves when the sweep under way is over. */
export function startErasing(deps: SessionDeps, log: Log): { stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let stopped = false
  const failed = tellFailedErasures(log)
  const sweep = async (): Promise<void> => {
    try {
      let erased = 0
      do {
        erased = await eraseDeleted(deps, failed)
        if (erased > 0) log.info({ erased }, 'what deleted accounts left was erased')
      } while (erased > 0 && !stopped)
    } catch (error) {
      log.warn({ detail: describeError(error) }, 'the sweep of deleted accounts is tried again')
    }
    if (!stopped) plan()
  }
  const plan = (): void => {
    timer = setTimeout(
      () => {
        running = sweep()
      },
      ERASURE_SWEEP_EVERY * (0.75 + 0.5 * Math.random()),
    )
  }
  plan()
  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}
