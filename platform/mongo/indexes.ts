import type { IndexDescription } from 'mongodb'
import type { ChainDocument, Chains } from './documents.ts'
import { chainOf } from './documents.ts'
import { REMOVED } from './floor.ts'

/** All indexes besides the one of `_id`, which every collection has by itself. Sparse: most records are never due. */
export const indexes: readonly (IndexDescription & { readonly name: string })[] = [{ key: { due: 1 }, name: 'due', sparse: true }]

/** Makes those of a collection that are not there. Any number of processes may do so at once. */
export async function ensureIndexes(chains: Chains): Promise<void> {
  await chains.createIndexes(indexes.map((index) => ({ ...index })))
}

/** Several records of one chain may be due; so many documents are looked at for one chain of the answer at most. */
const RECORDS_FOR_ONE = 4

export interface Due {
  /** The chains that have a record which is due at or before the time that was asked for, the longest due first. */
  readonly chains: readonly string[]
  /** Those whose removal is not over. */
  readonly removed: readonly string[]
}

export async function findDue(chains: Chains, before: number, limit: number): Promise<Due> {
  const found = await chains
    .find<Pick<ChainDocument, '_id' | 'floor'>>(
      { due: { $lte: before } },
      { projection: { _id: 1, floor: 1 }, sort: { due: 1 }, limit: limit * RECORDS_FOR_ONE },
    )
    .toArray()
  const removed = new Set(found.filter(({ floor }) => floor === REMOVED).map(({ _id }) => chainOf(_id)))
  const due = new Set(found.map(({ _id }) => chainOf(_id))).difference(removed)
  return { chains: [...due].slice(0, limit), removed: [...removed] }
}
