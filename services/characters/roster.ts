import { chains } from '../../core/chains.ts'
import { changeChain } from '../../core/change-chain.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { JsonObject, Store, StoredRecord } from '../../core/ports/store-port.ts'
import { type Migration, storedForm } from '../../core/stored-form.ts'
import { z } from '../../core/validate/index.ts'

/** Each character takes a slot of its account, from before it has its name until after it has lost it. */
export interface Slot {
  readonly character: string
  /** Counts the slots of an account: of two characters the one that was made first has the lower one. */
  readonly order: number
  /** Made by the first release, which died before the name was claimed. */
  readonly unclaimed?: boolean
}

export interface Roster {
  /** The `order` of the next slot. */
  readonly next: number
  /** In their order. */
  readonly slots: readonly Slot[]
  /** When (ms) to go on with its erasure; null: nothing is left; absent: the account lives. */
  readonly erasingAt?: number | null
  /** How many names it could take at a time (ms); absent: as many as ever. */
  readonly names?: { readonly left: number; readonly at: number }
}

const roster = z.object({
  kind: z.literal('roster'),
  next: z.int().min(0),
  slots: z.array(z.object({ character: z.string(), order: z.int().min(0), unclaimed: z.boolean().exactOptional() })),
  erasingAt: z.number().nullable().exactOptional(),
  names: z.object({ left: z.number(), at: z.number() }).exactOptional(),
})

const slotsOfVersion1 = z.array(z.object({ character: z.string(), made: z.boolean() }))

/** Version 1 had no order but the list's own, and told in the slot whether a character had its name. */
const fromVersion1: Migration = (stored) => {
  const slots = slotsOfVersion1.safeParse(stored['slots'])
  if (!slots.success) return stored
  const ordered = slots.data.map(({ character, made }, order): JsonObject => ({ character, order, ...(made ? {} : { unclaimed: true }) }))
  return { kind: 'roster', next: ordered.length, slots: ordered }
}

export const rosterForm = storedForm('roster', roster, [fromVersion1])

const DAY = 24 * 3_600_000

const none: Roster = { next: 0, slots: [] }

export async function readRoster(store: Store, account: string): Promise<Roster> {
  const chain = chains.charactersOf(account)
  const head = await store.head(chain)
  return head === undefined ? none : rosterForm.read(chain, head)
}

/**
 * Changes the roster in one step; `change` gives the new one, or the very one that it got for no change, and may throw. The insert of the next number decides between two changes at once,
 * so that a limit that `change` keeps is kept. Throws Busy when others are always faster.
 */
export async function changeRoster(store: Store, account: string, change: (roster: Roster) => Roster): Promise<void> {
  const chain = chains.charactersOf(account)
  await changeChain(store, chain, (head) => {
    const before = head === undefined ? none : rosterForm.read(chain, head)
    const after = change(before)
    return after === before ? { result: undefined } : { record: stored(after), result: undefined }
  })
}

/** Puts the character in when there is room, or finds it in; true when it is in afterwards. */
export async function takeSlot(store: Store, account: string, character: string, limit: number): Promise<boolean> {
  let taken = false
  await changeRoster(store, account, (before) => {
    const { next, slots, erasingAt } = before
    taken = slots.some((slot) => slot.character === character)
    if (taken || erasingAt !== undefined || slots.length >= limit) return before
    taken = true
    return { ...before, next: next + 1, slots: [...slots, { character, order: next }] }
  })
  return taken
}

/**
 * Notes that the account takes a name: so many a day, and the names of a day at once after a pause. Each name that was ever claimed keeps a chain, so who could take them without
 * end could fill the store. Throws TooManyRequests, and says when the next one can be had.
 */
export function spendName(before: Roster, now: number, perDay: number): Roster {
  const { left, at } = before.names ?? { left: perDay, at: now }
  const refilled = Math.min(perDay, left + (Math.max(0, now - at) / DAY) * perDay)
  if (refilled < 1) {
    const found = `${perDay} names taken within a day`
    throw new BailiwickError('TooManyRequests', { found, todo: 'wait', retryAfterMs: Math.ceil(((1 - refilled) / perDay) * DAY) })
  }
  return { ...before, names: { left: refilled - 1, at: now } }
}

/** Takes the character out. */
export async function leaveSlot(store: Store, account: string, character: string): Promise<void> {
  await changeRoster(store, account, (before) => {
    const slots = before.slots.filter((slot) => slot.character !== character)
    return slots.length === before.slots.length ? before : { ...before, slots }
  })
}

function stored({ next, slots, erasingAt, names }: Roster): StoredRecord {
  const plain = slots.map(({ character, order, unclaimed }) => ({ character, order, unclaimed }))
  return {
    kind: 'roster',
    data: rosterForm.write({ next, slots: plain, erasingAt, names }),
    ...(typeof erasingAt === 'number' ? { due: erasingAt } : {}),
  }
}
