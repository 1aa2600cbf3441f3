import type { Point } from './geometry.ts'
import type { LayerId, ZoneId } from './ids.ts'

/** The names of the store's chains: one place, so that no two things share one. */
export const chains = {
  layer: (layer: LayerId) => `layer/${layer}`,
  character: (character: string) => `character/${character}`,
  charactersOf: (account: string) => `account-characters/${account}`,
  account: (account: string) => `account/${account}`,
  accountName: (foldedName: string) => `account-name/${foldedName}`,
  characterName: (foldedName: string) => `character-name/${foldedName}`,
  session: (session: string) => `session/${session}`,
} as const

/** The form of a name that decides whether two names are the same: compatibility-normalised and lower case. */
export function foldName(name: string): string {
  return name.normalize('NFKC').toLowerCase()
}

/**
 * One record of a layer's chain. The epoch is the n of the newest `open`. Every record says where the newest whole snapshot before it stands
 * (`lastSnapshot`, 0: none), so that a claim reads two records and not the chain.
 */
export type LayerRecord =
  | { readonly kind: 'open'; readonly host: string; readonly generation: number; readonly code: string; readonly lastSnapshot: number }
  | { readonly kind: 'snapshot'; readonly epoch: number; readonly tick: number; readonly hash: string; readonly lastSnapshot: number }
  | { readonly kind: 'close'; readonly epoch: number; readonly tick: number; readonly lastSnapshot: number }
  | { readonly kind: 'erased'; readonly lastSnapshot: 0 }

/**
 * One record of a character's chain; each is whole, so the chain is pruned behind its head. The character's version is the record's n.
 * `held`: resident in a layer, its live state is there. `released`: here is its state. `deleted`: it is gone.
 */
export interface CharacterRecord {
  readonly kind: 'held' | 'released' | 'deleted'
  readonly account: string
  readonly name: string
  readonly createdAt: number
  /** The layer that holds it; only with `held`. */
  readonly layer?: LayerId
  readonly state: CharacterState
}

/** What a character takes from place to place. */
export interface CharacterState {
  /** Where it was last; null until its first join. */
  readonly zone: ZoneId | null
  /** In millimetres of the plane; null until its first join. */
  readonly position: Point | null
  readonly inventory: readonly Item[]
  /** The last input sequence number that was applied. */
  readonly inputSequence: number
  /** Absent: as good as can be. */
  readonly stats?: Stats | undefined
}

/** How a character is, each from 0 to MAX_STAT. */
export interface Stats {
  readonly health: number
  readonly energy: number
}

export const MAX_STAT = 100

export interface Item {
  /** World-wide unique: `character/k` or `layer/epoch/k` of where it was made. */
  readonly id: string
  readonly kind: string
}

export const MAX_INVENTORY = 20
