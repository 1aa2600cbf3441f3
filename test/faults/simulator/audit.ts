import { chains } from '../../../core/chains.ts'
import { readCharacterRecord } from '../../../core/character-record.ts'
import type { LayerId } from '../../../core/ids.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import { ITEM } from '../../../zone-server/simulation/entities.ts'
import { inventoryOf, type LayerState } from '../../../zone-server/simulation/state.ts'
import { type LayerHistory, Violation } from './history.ts'

export interface Possessions {
  /** Characters and the items that each had in the beginning. */
  readonly characters: ReadonlyMap<string, readonly string[]>
}

/** A layer and its confirmed state. */
export type Confirmed = Pick<LayerHistory, 'layer' | 'state'>

/**
 * Counts the world: every character is in exactly one place, and every item in exactly one hand or on one ground. What counts is what survives: the chains in the store, and the
 * confirmed states of the layers. Throws a Violation.
 */
export async function audit(store: Pick<Store, 'head'>, histories: ReadonlyMap<LayerId, Confirmed>, given: Possessions): Promise<void> {
  const places = new Map<string, string[]>()
  const found = (item: string, place: string): void => {
    places.set(item, [...(places.get(item) ?? []), place])
  }
  for (const { layer, state } of histories.values()) countGround(layer, state, found)
  for (const character of given.characters.keys()) await countCharacter(character, store, histories, found)
  for (const [, items] of given.characters) {
    for (const item of items) {
      const where = places.get(item) ?? []
      if (where.length !== 1) throw new Violation(`item ${item} is in ${where.length} places: ${where.join(', ')}`)
      places.delete(item)
    }
  }
  const [unknown] = places
  if (unknown !== undefined) throw new Violation(`item ${unknown[0]} came from nowhere and is ${unknown[1].join(', ')}`)
}

type Found = (item: string, place: string) => void

function countGround(layer: string, { entities }: LayerState, found: Found): void {
  for (let id = 1; id <= entities.highest; id++) {
    if (entities.kind[id] === ITEM && entities.onGround(id)) found(entities.label[id] ?? '', `on the ground of ${layer}`)
  }
}

async function countCharacter(
  character: string,
  store: Pick<Store, 'head'>,
  histories: ReadonlyMap<LayerId, Confirmed>,
  found: Found,
): Promise<void> {
  const chain = chains.character(character)
  const head = await store.head(chain)
  if (head === undefined) throw new Violation(`character ${character} is gone`)
  const record = readCharacterRecord(chain, head)
  if (record.kind === 'deleted') throw new Violation(`character ${character} was deleted`)
  for (const { layer, state } of histories.values()) {
    const resident = state.players.get(character)
    if (resident !== undefined && (record.kind !== 'held' || record.layer !== layer || resident.version !== head.n))
      throw new Violation(
        `${character} is resident in ${layer} by record ${resident.version}, and its chain says ${record.kind} (${head.n})`,
      )
  }
  const state = record.kind === 'held' && record.layer !== undefined ? histories.get(record.layer)?.state : undefined
  const resident = state?.players.get(character)
  const leaving = [...(state?.outbox.values() ?? [])].find((release) => release.character === character && release.n === head.n + 1)
  if (state !== undefined && resident !== undefined) {
    for (const { id } of inventoryOf(state, resident)) found(id, `with ${character} in ${state.layer}`)
  } else if (leaving !== undefined) {
    for (const { id } of leaving.state.inventory) found(id, `with ${character} on its way out of ${record.layer}`)
  } else {
    // Released, or held for a layer that does not have it yet and will adopt it as it stands here.
    for (const { id } of record.state.inventory) found(id, `with ${character}, ${record.kind}`)
  }
}
