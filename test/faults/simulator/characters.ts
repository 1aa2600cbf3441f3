import { chains } from '../../../core/chains.ts'
import { storedCharacter } from '../../../core/character-record.ts'
import type { ZoneId } from '../../../core/ids.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import type { Possessions } from './audit.ts'

export const ACCOUNT = 'account-1'
/** Items that each character has in the beginning. */
const ITEMS = 3

/** Makes so many characters that were last in this zone, each with a few items of its own. */
export async function createCharacters(store: Store, count: number, zone: ZoneId | null): Promise<Possessions> {
  const characters = new Map<string, string[]>()
  for (let i = 1; i <= count; i++) {
    const character = `character-${i}`
    const items = Array.from({ length: ITEMS }, (_, k) => `${character}/${k + 1}`)
    const inventory = items.map((id) => ({ id, kind: 'stone' }))
    const state = { zone, position: { x: 2_000, y: 2_000 }, inventory, inputSequence: 0 }
    const record = { kind: 'released', account: ACCOUNT, name: `Somebody${i}`, createdAt: 0, state } as const
    await store.append(chains.character(character), 1, `made ${character}`, storedCharacter(record))
    characters.set(character, items)
  }
  return { characters }
}
