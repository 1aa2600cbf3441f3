import type { Binary, Collection } from 'mongodb'
import type { ChainEntry } from '../../core/ports/store-port.ts'
import { corrupt, decodeData, kindOf } from '../../core/store-record.ts'

/**
 * A collection holds four kinds of documents, told apart by `_id`, and every access but `due`, the names of chains and the sweep of a removed one names one `_id`: the cheapest query there is. (FerretDB over SQLite
 * looks through the whole collection even for that, which is why each kind of chain has its own: sessions don't slow down layers.)
 *
 * - `chain#n`: a record, inserted once and never changed.
 * - `chain#floor`: numbers below `floor` are taken for ever, though their records may be gone. Part of the truth: raised before anything is deleted. REMOVED (floor.ts): the chain is not there, and ends to be.
 * - `chain#swept`: everything below was deleted, in the life of the chain `of` whose floor document it is; between it and the floor a prune was cut short. Only a help: may be missing or behind. It is not part of the floor's
 *   document because a server whose updates are not atomic (FerretDB's) writes all of a document, so that of two changes at once the later one takes back the other's.
 * - `chain#hint`: the head was at least at `head`. Only a help: may be missing or behind, never ahead but by what an earlier life of the chain left.
 */
export interface ChainDocument {
  readonly _id: string
  readonly nonce?: string
  readonly kind?: string
  readonly data?: string
  readonly blob?: Binary
  /** Of a record, or of the floor of a removed chain: indexed, see indexes.ts. */
  readonly due?: number
  readonly floor?: number
  /** Of a floor: see Floor. */
  readonly token?: string
  readonly swept?: number
  /** Of `swept`: the token of that floor. */
  readonly of?: string
  /** Of a hint. */
  readonly head?: number
}

export type Chains = Collection<ChainDocument>

/** Runs one step of a longer piece of work on the chain's collection, under a deadline of its own. */
export type Step = <T>(work: (chains: Chains) => Promise<T>) => Promise<T>

/** The collection for a chain: what stands before the first slash of its name, as in `layer/game/meadow/0`. */
export function collectionName(chain: string): string {
  return kindOf(chain) ?? 'other'
}

export const recordId = (chain: string, n: number): string => `${chain}#${n}`
/** The chain of a record's `_id`. */
export const chainOf = (id: string): string => id.slice(0, id.lastIndexOf('#'))
/** The number in a record's `_id`. */
export const numberOf = (id: string): number => Number(id.slice(id.lastIndexOf('#') + 1))
export const floorId = (chain: string): string => `${chain}#floor`
export const sweptId = (chain: string): string => `${chain}#swept`
export const hintId = (chain: string): string => `${chain}#hint`

/** The record in a document. Throws StoreCorrupt. */
export function entryOf(chain: string, n: number, document: ChainDocument): ChainEntry {
  const { nonce, kind, data, blob, due } = document
  if (nonce === undefined || kind === undefined) throw corrupt(chain, n)
  return {
    n,
    nonce,
    kind,
    data: decodeData(chain, n, data),
    ...(blob === undefined ? {} : { blob: blob.value() }),
    ...(due === undefined ? {} : { due }),
  }
}
