import type { CharacterRecord, DeletedCharacter, LivingCharacter } from '../../core/chains.ts'
import { chains } from '../../core/chains.ts'
import { readCharacterRecord, storedCharacter } from '../../core/character-record.ts'
import type { Clock } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { ChainEntry, Store } from '../../core/ports/store-port.ts'
import { UNFINISHED_AFTER } from '../../core/timing.ts'
import { claimName, freeName } from './name-claims.ts'
import { leaveSlot, takeSlot } from './roster.ts'

/**
 * Making, renaming and deleting are several inserts in different chains; a process may die between any two. The character's own chain says first what is begun, and last how it ended; whoever
 * looks at one that is under way goes on with it, and each step is the same whoever does it:
 *
 * making:   slot in the roster (or there is no room) → name claimed (or it is another's) → released, or deleted
 * renaming: name claimed (or it is another's) → released, with the new name or the old → the other one freed
 * deleting: at its time → deleted → name freed → slot left → a last record that says nothing of anybody
 */
export interface SettleDeps {
  readonly store: Store
  readonly clock: Clock
  /** Characters an account may have. */
  readonly limit: number
}

export interface Versioned<R extends CharacterRecord = CharacterRecord> {
  readonly id: string
  /** Its version: the number of the record. */
  readonly n: number
  readonly record: R
}

/** Each step of one character leads to the next; more than these there are only when others change it all the time. */
const STEPS = 16

/** The head of a character's chain; undefined: there never was one. Throws StoreCorrupt. */
export async function readCharacter(store: Store, id: string): Promise<Versioned | undefined> {
  return versionOf(id, await store.head(chains.character(id)))
}

/** The character by the head of its chain. Throws StoreCorrupt. */
export function versionOf(id: string, head: ChainEntry | undefined): Versioned | undefined {
  return head === undefined ? undefined : { id, n: head.n, record: readCharacterRecord(chains.character(id), head) }
}

/** The character when all that it was in the middle of is done, also what others began and left. Throws Busy when others change it all the time. */
export async function settle(deps: SettleDeps, id: string): Promise<Versioned | undefined> {
  for (let step = 0; step < STEPS; step++) {
    const seen = await readCharacter(deps.store, id)
    if (seen === undefined || isSettled(seen.record, deps.clock.now())) return seen
    await goOn(deps, seen)
  }
  throw busy(id)
}

/** Appends the next record behind the one that was seen; another may have been faster, and then it is theirs that counts. */
export async function appendNext(
  store: Store,
  { id, n }: Pick<Versioned, 'id' | 'n'>,
  nonce: string,
  record: CharacterRecord,
): Promise<boolean> {
  const chain = chains.character(id)
  if ((await store.append(chain, n + 1, nonce, storedCharacter(record))) === 'Conflict') return false
  await store.prune(chain, n + 1)
  return true
}

/** The record of one that neither passes nor is in a layer. */
export function released({ account, name, createdAt, at, state }: LivingCharacter): LivingCharacter {
  return { kind: 'released', account, name, createdAt, ...(at === undefined ? {} : { at }), state }
}

export function busy(id: string): BailiwickError {
  return new BailiwickError('Busy', { asked: id, found: 'others changing this character', todo: 'try again', retryAfterMs: 1_000 })
}

/** Nothing is under way with it, and nothing due. */
export function isSettled(record: CharacterRecord, now: number): boolean {
  switch (record.kind) {
    case 'released':
    case 'held':
      return true
    case 'deleting':
      return record.dueAt !== undefined && record.dueAt > now
    case 'deleted':
      return record.dueAt === undefined
    default:
      return false
  }
}

async function goOn(deps: SettleDeps, { id, n, record }: Versioned): Promise<void> {
  if (record.kind === 'deleted') return tidy(deps, { id, n, record })
  if (record.kind === 'making') return finishMaking(deps, { id, n, record })
  if (record.kind === 'renaming') return finishRenaming(deps, { id, n, record })
  await appendNext(deps.store, { id, n }, `deleted ${n}`, gone(deps, record))
}

async function finishMaking(deps: SettleDeps, { id, n, record }: Versioned<LivingCharacter>): Promise<void> {
  const { store, limit } = deps
  if (!(await takeSlot(store, record.account, id, limit))) {
    await appendNext(store, { id, n }, `no slot ${n}`, { ...gone(deps, record), refused: 'TooManyCharacters' })
  } else if (await claimName(store, record.name, { character: id, intent: n })) {
    await appendNext(store, { id, n }, `made ${n}`, released(record))
  } else {
    await appendNext(store, { id, n }, `no name ${n}`, { ...gone(deps, record), refused: 'NameTaken' })
  }
}

async function finishRenaming({ store }: SettleDeps, { id, n, record }: Versioned<LivingCharacter>): Promise<void> {
  const { name, wanted = name } = record
  const has = await claimName(store, wanted, { character: id, intent: n })
  await appendNext(store, { id, n }, `${has ? 'renamed' : 'not renamed'} ${n}`, released({ ...record, name: has ? wanted : name }))
  // Whichever it has now stays its own.
  await freeName(store, name, id)
}

async function tidy({ store }: SettleDeps, { id, n, record }: Versioned<DeletedCharacter>): Promise<void> {
  const { account, name, refused } = record
  if (name !== undefined) await freeName(store, name, id)
  if (account !== undefined) await leaveSlot(store, account, id)
  await appendNext(store, { id, n }, `gone ${n}`, { kind: 'deleted', ...(refused === undefined ? {} : { refused }) })
}

function gone({ clock }: SettleDeps, { account, name }: LivingCharacter): DeletedCharacter {
  return { kind: 'deleted', account, name, dueAt: clock.now() + UNFINISHED_AFTER }
}
