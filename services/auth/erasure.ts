import type { ErasureWork } from '../../core/erasures.ts'
import { retryErasure, sweepErasures } from '../../core/erasures.ts'
import { eraseAccount } from './accounts.ts'
import { kept } from './kept.ts'
import type { SessionDeps } from './sessions.ts'

/** Erases what auth keeps of a deleted account: everything of its own, and at last the name if its holder died before it freed it. Safe to repeat. */
export async function eraseKept(deps: SessionDeps, account: string): Promise<void> {
  for (const part of kept) await part.erase(deps, account)
  await eraseAccount(deps.store, account)
}

/** Erases what deleted accounts left with auth. Answers how many; `failed` is told of those that it could not erase, which are tried again later. */
export function eraseDeleted(deps: SessionDeps, failed: ErasureWork['failed']): Promise<number> {
  return sweepErasures(deps.store, 'auth', deps.clock.now(), workOf(deps, failed))
}

/** Tries one again that failed before. */
export function eraseAgain(deps: SessionDeps, account: string, failed: ErasureWork['failed']): Promise<void> {
  return retryErasure(deps.store, 'auth', account, deps.clock.now(), workOf(deps, failed))
}

function workOf(deps: SessionDeps, failed: ErasureWork['failed']): ErasureWork {
  return { erase: (account) => eraseKept(deps, account), failed }
}
