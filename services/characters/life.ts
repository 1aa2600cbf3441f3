import type { CharacterRecord } from '../../core/chains.ts'
import { chains, foldName } from '../../core/chains.ts'
import { readCharacterRecord, storedCharacter } from '../../core/character-record.ts'
import type { Clock } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { Store } from '../../core/ports/store-port.ts'
import { claimName, freeName, nameHolder } from './name-claims.ts'
import type { Slot } from './roster.ts'
import { changeRoster, MAX_CHARACTERS, randomId, readRoster } from './roster.ts'

/**
 * Making and deleting are several inserts in different chains; a process may die between any two. The order is such that its owner's roster always
 * knows of what is half done, and whoever looks at the roster next finishes it:
 *
 * make:   slot (not made yet; keeps the limit) → character → name (decides) → slot is made, or goes when the name is another's
 * delete: character deleted (decides; only while released) → name freed → slot goes
 */
export interface LifeDeps {
  readonly store: Store
  readonly clock: Clock
}

export interface OwnCharacter {
  readonly id: string
  readonly record: CharacterRecord
}

const DELETE_TRIES = 8

/** Makes a character without a place. Throws NameTaken, TooManyCharacters, Busy. */
export async function makeCharacter(deps: LifeDeps, account: string, name: string): Promise<OwnCharacter> {
  await listCharacters(deps, account)
  // Only to spare the work: the claim decides.
  if ((await nameHolder(deps.store, name)) !== undefined) throw nameTaken(name)
  const slot: Slot = { character: randomId(), name, made: false }
  await changeRoster(deps.store, account, (slots) => {
    if (slots.some((other) => foldName(other.name) === foldName(name))) throw nameTaken(name)
    if (slots.length >= MAX_CHARACTERS) {
      throw new BailiwickError('TooManyCharacters', { found: `${slots.length} of ${MAX_CHARACTERS}`, todo: 'delete one first' })
    }
    return [...slots, slot]
  })
  const made = await finishMaking(deps, account, slot)
  if (made === undefined) throw nameTaken(name)
  return made
}

/** The characters of an account. Finishes what died half-way, or is under way: both may, for each step is the same whoever does it. */
export async function listCharacters(deps: LifeDeps, account: string): Promise<readonly OwnCharacter[]> {
  const slots = await readRoster(deps.store, account)
  const settled = await Promise.all(slots.map((slot) => settle(deps, account, slot)))
  return settled.filter((character) => character !== undefined)
}

/** The account's character of this id. Throws CharacterUnknown, CharacterNotYours. */
export async function findCharacter({ store }: LifeDeps, account: string, id: string): Promise<OwnCharacter & { readonly n: number }> {
  const found = await readCharacter(store, id)
  if (found === undefined || found.record.kind === 'deleted') throw new BailiwickError('CharacterUnknown', { asked: id })
  if (found.record.account !== account) throw new BailiwickError('CharacterNotYours', { asked: id })
  return { id, ...found }
}

/** Deletes a character and frees its name. Throws CharacterUnknown, CharacterNotYours, CharacterInWorld, Busy. */
export async function deleteCharacter(deps: LifeDeps, account: string, id: string): Promise<void> {
  const { store } = deps
  const chain = chains.character(id)
  const nonce = randomId()
  for (let attempt = 0; attempt < DELETE_TRIES; attempt++) {
    const { n, record } = await findCharacter(deps, account, id)
    if (record.kind === 'held') {
      throw new BailiwickError('CharacterInWorld', {
        asked: record.name,
        found: `in ${record.layer ?? 'a layer'}`,
        todo: 'leave the zone first',
      })
    }
    if ((await store.append(chain, n + 1, nonce, storedCharacter({ ...record, kind: 'deleted' }))) === 'Conflict') continue
    await finishDeleting(deps, account, id, record.name)
    await store.prune(chain, n + 1)
    return
  }
  throw new BailiwickError('Busy', { asked: id, found: 'others changing this character', todo: 'try again', retryAfterMs: 1_000 })
}

async function settle(deps: LifeDeps, account: string, slot: Slot): Promise<OwnCharacter | undefined> {
  if (!slot.made) return finishMaking(deps, account, slot)
  const found = await readCharacter(deps.store, slot.character)
  if (found === undefined)
    throw new BailiwickError('StoreCorrupt', { asked: `character ${slot.character}`, found: 'a slot without character' })
  if (found.record.kind !== 'deleted') return { id: slot.character, record: found.record }
  await finishDeleting(deps, account, slot.character, slot.name)
  return undefined
}

/** Everything after the slot. Undefined: the name is another's, and the slot is gone. */
async function finishMaking({ store, clock }: LifeDeps, account: string, { character, name }: Slot): Promise<OwnCharacter | undefined> {
  const state = { zone: null, position: null, inventory: [], inputSequence: 0 }
  const record: CharacterRecord = { kind: 'released', account, name, createdAt: clock.now(), state }
  await store.append(chains.character(character), 1, `make ${character}`, storedCharacter(record))
  const named = await claimName(store, name, character)
  let hasSlot = false
  await changeRoster(store, account, (slots) => {
    const mine = slots.find((slot) => slot.character === character)
    hasSlot = mine !== undefined
    if (mine === undefined || (named && mine.made)) return slots
    return named ? slots.map((slot) => (slot === mine ? { ...mine, made: true } : slot)) : slots.filter((slot) => slot !== mine)
  })
  if (!named) return undefined
  const found = await readCharacter(store, character)
  if (hasSlot && found !== undefined && found.record.kind !== 'deleted') return { id: character, record: found.record }
  // Made and deleted by others meanwhile: the name was claimed for nobody.
  await freeName(store, name, character)
  return undefined
}

async function finishDeleting({ store }: LifeDeps, account: string, character: string, name: string): Promise<void> {
  await freeName(store, name, character)
  await changeRoster(store, account, (slots) => {
    return slots.some((slot) => slot.character === character) ? slots.filter((slot) => slot.character !== character) : slots
  })
}

async function readCharacter(store: Store, id: string): Promise<{ readonly n: number; readonly record: CharacterRecord } | undefined> {
  const chain = chains.character(id)
  const head = await store.head(chain)
  return head === undefined ? undefined : { n: head.n, record: readCharacterRecord(chain, head) }
}

function nameTaken(name: string): BailiwickError {
  return new BailiwickError('NameTaken', { asked: name, todo: 'choose another one' })
}
