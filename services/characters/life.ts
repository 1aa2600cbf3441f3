import type { LivingCharacter } from '../../core/chains.ts'
import { chains } from '../../core/chains.ts'
import { changeChain } from '../../core/change-chain.ts'
import { storedCharacter } from '../../core/character-record.ts'
import { freedFromErased } from '../../core/erased-layer.ts'
import { BailiwickError } from '../../core/errors.ts'
import { checkName } from '../../core/names.ts'
import { UNFINISHED_AFTER } from '../../core/timing.ts'
import { claimName, nameHolder } from './name-claims.ts'
import type { Slot } from './roster.ts'
import { changeRoster, leaveSlot, readRoster, spendName } from './roster.ts'
import type { SettleDeps, Versioned } from './settle.ts'
import { appendNext, isSettled, readCharacter, released, settle, versionOf } from './settle.ts'

export interface LifeDeps extends SettleDeps {
  /** How long a deletion can be taken back, ms. */
  readonly deleteGraceMs: number
  /** Names an account may take in a day, by making and renaming. */
  readonly namesPerDay: number
}

export type OwnCharacter = Versioned<LivingCharacter>

/** Says whether the version that is there is the one that is to be changed; throws PreconditionFailed. */
export type CheckVersion = (n: number) => void

/**
 * Makes a character without a place, under an id that nobody else has: asked again with the same id, it is the same character. Throws NameRefused, NameTaken, TooManyCharacters, TooManyRequests, Busy.
 */
export async function makeCharacter(deps: LifeDeps, account: string, name: string, id: string): Promise<OwnCharacter> {
  const { store, clock } = deps
  checkName(name)
  if ((await readCharacter(store, id)) === undefined) {
    await refuseEarly(deps, account, name)
    const now = clock.now()
    await changeRoster(store, account, (roster) => spendName(roster, now, deps.namesPerDay))
    const state = { zone: null, position: null, inventory: [], inputSequence: 0 }
    const record = { kind: 'making', account, name, createdAt: now, at: now, dueAt: now + UNFINISHED_AFTER, state } as const
    await store.append(chains.character(id), 1, `make ${id}`, storedCharacter(record))
  }
  const made = await settle(deps, id)
  if (made?.record.kind === 'deleted' && made.record.refused !== undefined) throw refusal(deps, made.record.refused, name)
  return own(made, account, id)
}

/** Only to spare the work: what is appended decides. Settles what stands in the way of the limit. */
async function refuseEarly(deps: LifeDeps, account: string, name: string): Promise<void> {
  const { erasing, characters } = await listCharacters(deps, account)
  if (erasing) throw new BailiwickError('AccountUnknown', { found: 'an account that was deleted' })
  if (characters.length >= deps.limit) throw refusal(deps, 'TooManyCharacters', name)
  if ((await nameHolder(deps.store, name)) !== undefined) throw refusal(deps, 'NameTaken', name)
}

export interface Listed {
  readonly erasing: boolean
  /** In the order of their making. */
  readonly characters: readonly (OwnCharacter & { readonly order: number })[]
}

/** The characters of an account, those included that are being deleted. */
export async function listCharacters(deps: LifeDeps, account: string): Promise<Listed> {
  const { slots, erasingAt } = await readRoster(deps.store, account)
  const found = await Promise.all(slots.map((slot) => settleSlot(deps, account, slot)))
  return { erasing: erasingAt !== undefined, characters: found.filter((character) => character !== undefined) }
}

/** The account's character of this id. Throws CharacterUnknown, CharacterNotYours. */
export async function findCharacter(deps: LifeDeps, account: string, id: string): Promise<OwnCharacter> {
  return own(await settle(deps, id), account, id)
}

/** Gives a character that is in no zone another name, and frees the one it has. Throws NameRefused, NameTaken, TooManyRequests, and as `change`. */
export async function renameCharacter(
  deps: LifeDeps,
  account: string,
  id: string,
  name: string,
  check: CheckVersion,
): Promise<OwnCharacter> {
  checkName(name)
  const changed = await change(deps, account, id, check, async ({ record }) => {
    if (record.kind === 'deleting') throw new BailiwickError('CharacterDeleting', { asked: record.name, todo: 'restore it first' })
    refuseHeld(record)
    if (record.name === name) return undefined
    const holder = await nameHolder(deps.store, name)
    if (holder !== undefined && holder !== id) throw refusal(deps, 'NameTaken', name)
    const now = deps.clock.now()
    await changeRoster(deps.store, account, (roster) => spendName(roster, now, deps.namesPerDay))
    return { ...record, kind: 'renaming', wanted: name, dueAt: now + UNFINISHED_AFTER }
  })
  if (changed.record.name !== name) throw refusal(deps, 'NameTaken', name)
  return changed
}

/** Marks a character that is in no zone for deletion; one that is marked stays as it is. Throws as `change`. */
export function deleteCharacter(deps: LifeDeps, account: string, id: string, check: CheckVersion): Promise<OwnCharacter> {
  return change(deps, account, id, check, async ({ record }) => {
    if (record.kind === 'deleting') return undefined
    refuseHeld(record)
    return { ...record, kind: 'deleting', dueAt: deps.clock.now() + deps.deleteGraceMs }
  })
}

/** Takes a deletion back; one that is not marked stays as it is. Throws as `change`. */
export function restoreCharacter(deps: LifeDeps, account: string, id: string, check: CheckVersion): Promise<OwnCharacter> {
  return change(deps, account, id, check, async ({ record }) => (record.kind === 'deleting' ? released(record) : undefined))
}

type Next = (seen: OwnCharacter) => Promise<LivingCharacter | undefined>

/**
 * One change of a character that nothing is under way with: `next` gives the record to append, or undefined for none. Answers the character when the change, too, is settled.
 * Throws CharacterUnknown, CharacterNotYours, CharacterInWorld, CharacterDeleting, PreconditionFailed, Busy.
 */
async function change(deps: LifeDeps, account: string, id: string, check: CheckVersion, next: Next): Promise<OwnCharacter> {
  const { seen, record } = await changeChain<{ readonly seen: OwnCharacter; readonly record: LivingCharacter | undefined }>(
    deps.store,
    chains.character(id),
    async (head) => {
      const found = versionOf(id, head)
      if (found !== undefined && !isSettled(found.record, deps.clock.now())) {
        await settle(deps, id)
        return 'again'
      }
      const seen = own(found, account, id)
      check(seen.n)
      const record = await next({ ...seen, record: await freedFromErased(seen.record, deps.store) })
      return record === undefined ? { result: { seen, record } } : { record: storedCharacter(record), result: { seen, record } }
    },
    'always',
  )
  if (record === undefined) return seen
  return afterwards(await settle(deps, id), { id, n: seen.n + 1, record })
}

/** What a change came to; of a deletion without grace nothing but the last that was known. */
function afterwards(settled: Versioned | undefined, changed: OwnCharacter): OwnCharacter {
  if (settled === undefined || settled.record.kind === 'deleted') return changed
  return { id: settled.id, n: settled.n, record: settled.record }
}

async function settleSlot(deps: LifeDeps, account: string, slot: Slot): Promise<(OwnCharacter & { order: number }) | undefined> {
  const { character: id, order } = slot
  if (slot.unclaimed === true) await claimLate(deps, account, id)
  const settled = await settle(deps, id)
  if (settled !== undefined && settled.record.kind !== 'deleted') return { id, n: settled.n, record: settled.record, order }
  await leaveSlot(deps.store, account, id)
  return undefined
}

/** A making of the first release, that put the character there before its name: goes on, or is taken back when the name is another's. */
async function claimLate({ store, clock }: LifeDeps, account: string, id: string): Promise<void> {
  const seen = await readCharacter(store, id)
  if (seen !== undefined && seen.record.kind !== 'deleted') {
    const { name } = seen.record
    if (!(await claimName(store, name, { character: id, intent: seen.n }))) {
      await appendNext(store, seen, `no name ${seen.n}`, { kind: 'deleted', account, name, dueAt: clock.now(), refused: 'NameTaken' })
    }
  }
  await changeRoster(store, account, (before) => ({
    ...before,
    slots: before.slots.map(({ character, order, unclaimed }) =>
      character === id || unclaimed === undefined ? { character, order } : { character, order, unclaimed },
    ),
  }))
}

function own(found: Versioned | undefined, account: string, id: string): OwnCharacter {
  if (found === undefined || found.record.kind === 'deleted') throw new BailiwickError('CharacterUnknown', { asked: id })
  if (found.record.account !== account) throw new BailiwickError('CharacterNotYours', { asked: id })
  return { id: found.id, n: found.n, record: found.record }
}

function refuseHeld(record: LivingCharacter): void {
  if (record.kind !== 'held') return
  throw new BailiwickError('CharacterInWorld', {
    asked: record.name,
    found: `in ${record.layer ?? 'a layer'}`,
    todo: 'leave the zone first',
  })
}

function refusal({ limit }: LifeDeps, why: 'NameTaken' | 'TooManyCharacters', name: string): BailiwickError {
  if (why === 'TooManyCharacters') {
    return new BailiwickError('TooManyCharacters', { found: `${limit} of ${limit}`, todo: 'delete one first' })
  }
  return new BailiwickError('NameTaken', { asked: name, todo: 'choose another one' })
}
