import { chains } from '../../core/chains.ts'
import { freedFromErased } from '../../core/erased-layer.ts'
import type { Store } from '../../core/ports/store-port.ts'
import { ERASE_RETRY, UNFINISHED_AFTER } from '../../core/timing.ts'
import { forgetRequests } from '../../platform/http/index.ts'
import { changeRoster, readRoster } from './roster.ts'
import type { SettleDeps } from './settle.ts'
import { appendNext, settle } from './settle.ts'

/** Says that everything of the account goes. From here on it gets no new character; the sweep does the rest, for a layer may hold one of them. Safe twice. */
export async function beginErasure(store: Store, account: string, now: number): Promise<void> {
  await changeRoster(store, account, (before) => (before.erasingAt === undefined ? { ...before, erasingAt: now } : before))
}

/**
 * Deletes every character of an account that is being erased, without grace, but those that a layer holds: their state is there. True when nothing is left; else it is due again
 * after ERASE_RETRY.
 */
export async function continueErasure(deps: SettleDeps, account: string): Promise<boolean> {
  const { store, clock } = deps
  const { slots, erasingAt } = await readRoster(store, account)
  if (typeof erasingAt !== 'number') return erasingAt === null
  for (const { character } of slots) await eraseCharacter(deps, account, character)
  await forgetRequests(store, chains.requestsOf(account))
  let done = false
  await changeRoster(store, account, (before) => {
    done = before.slots.length === 0
    const { names: _, ...rest } = before
    return { ...rest, erasingAt: done ? null : clock.now() + ERASE_RETRY }
  })
  await pruneRoster(store, account)
  return done
}

async function eraseCharacter(deps: SettleDeps, account: string, id: string): Promise<void> {
  const found = await settle(deps, id)
  if (found === undefined || found.record.kind === 'deleted') {
    await changeRoster(deps.store, account, (before) => ({ ...before, slots: before.slots.filter(({ character }) => character !== id) }))
    return
  }
  if ((await freedFromErased(found.record, deps.store)).kind === 'held') return
  const { name } = found.record
  const gone = { kind: 'deleted', account, name, dueAt: deps.clock.now() + UNFINISHED_AFTER } as const
  // Somebody else was faster: it is looked at again with the rest that is left.
  if (await appendNext(deps.store, found, `erased ${found.n}`, gone)) await settle(deps, id)
}

/** Older records name characters that are gone. */
async function pruneRoster(store: Store, account: string): Promise<void> {
  const chain = chains.charactersOf(account)
  const head = await store.head(chain)
  if (head !== undefined) await store.prune(chain, head.n)
}
