import { chains, foldName } from '../../core/chains.ts'
import { changeChain } from '../../core/change-chain.ts'
import { readCharacterRecord } from '../../core/character-record.ts'
import { nameKey } from '../../core/names.ts'
import type { ChainEntry, Store } from '../../core/ports/store-port.ts'
import { type Migration, storedForm } from '../../core/stored-form.ts'
import { z } from '../../core/validate/index.ts'

/**
 * Whose a name is: the newest claim of its chain says so, as long as the chain of that character agrees (has the name, or wants it). A claim whose character does not is void: anybody may take
 * the name over. So nothing that dies between two inserts, however late, leaves a name that is held by nobody, and to free one is only tidy.
 *
 * Why two characters never have one name: a character says that it wants a name (its record `intent`) before it claims it, and has it only after a claim with that intent stands as
 * the newest. Who takes a claim over reads the claim first and the character's chain second; if that says no, a later wish of that character has another intent, and its claim needs the
 * next number of the name's chain as well: one of the two is refused.
 */
export interface Wish {
  readonly character: string
  /** The number of the record in the character's chain by which it wants the name. */
  readonly intent: number
}

const claim = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('claimed'), character: z.string(), intent: z.int().min(0) }),
  z.object({ kind: z.literal('freed') }),
])

/** Version 1 claimed for a character for good, under the folded name alone. */
const fromVersion1: Migration = ({ kind, character }) => (kind === 'freed' ? { kind } : { kind, character, intent: 0 })

export const claimForm = storedForm('name claim', claim, [fromVersion1])

/** Takes the name for who wants it: true when it has it afterwards, also from an earlier try; false when it is another's. Throws Busy. */
export async function claimName(store: Store, name: string, { character, intent }: Wish): Promise<boolean> {
  const chain = chainOf(name)
  if (await heldUnderOldKey(store, name, character)) return false
  return changeChain(
    store,
    chain,
    async (head) => {
      const holder = holderOf(chain, head)
      if (holder?.character === character && holder.intent === intent) return { result: true }
      if (holder !== undefined && holder.character !== character && (await wantsName(store, holder.character, name)))
        return { result: false }
      return { record: { kind: 'claimed', data: claimForm.write({ character, intent }) }, result: true }
    },
    'always',
  )
}

/** Says that the name is no longer the character's; one that it has, or that is another's, stays as it is. Throws Busy. */
export async function freeName(store: Store, name: string, character: string): Promise<void> {
  for (const chain of new Set([chainOf(name), oldChainOf(name)])) {
    await changeChain(
      store,
      chain,
      async (head) => {
        // Whoever wants it anew meanwhile claims it again, and takes the number from us.
        if (holderOf(chain, head)?.character !== character || (await wantsName(store, character, name))) return { result: undefined }
        return { record: { kind: 'freed', data: claimForm.write({}) }, result: undefined }
      },
      'always',
    )
  }
}

/** Which character has the name, or wants it, now; undefined: it can be had. */
export async function nameHolder(store: Store, name: string): Promise<string | undefined> {
  for (const chain of new Set([chainOf(name), oldChainOf(name)])) {
    const holder = holderOf(chain, await store.head(chain))
    if (holder !== undefined && (await wantsName(store, holder.character, name))) return holder.character
  }
  return undefined
}

async function heldUnderOldKey(store: Store, name: string, character: string): Promise<boolean> {
  const chain = oldChainOf(name)
  if (chain === chainOf(name)) return false
  const holder = holderOf(chain, await store.head(chain))
  return holder !== undefined && holder.character !== character && wantsName(store, holder.character, name)
}

async function wantsName(store: Store, character: string, name: string): Promise<boolean> {
  const chain = chains.character(character)
  const head = await store.head(chain)
  if (head === undefined) return false
  const record = readCharacterRecord(chain, head)
  if (record.kind === 'deleted') return false
  const key = nameKey(name)
  return nameKey(record.name) === key || (record.wanted !== undefined && nameKey(record.wanted) === key)
}

function chainOf(name: string): string {
  return chains.characterName(nameKey(name))
}

/** Where the first release claimed it. */
function oldChainOf(name: string): string {
  return chains.characterName(foldName(name))
}

function holderOf(chain: string, head: ChainEntry | undefined): Wish | undefined {
  if (head === undefined) return undefined
  const read = claimForm.read(chain, head)
  return read.kind === 'freed' ? undefined : read
}
