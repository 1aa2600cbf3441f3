import type { IndexDescription } from 'mongodb'
import type { ChainDocument, Chains } from './documents.ts'
import { chainOf } from './documents.ts'

/** All indexes besides the one of `_id`, which every collection has by itself. Sparse: most records are never due. */
export const indexes: readonly (IndexDescription & { readonly name: string })[] = [{ key: { due: 1 }, name: 'due', sparse: true }]

/** Makes those of a collection that are not there. Any number of processes may do so at once. */
export async function ensureIndexes(chains: Chains): Promise<void> {
  await chains.createIndexes(indexes.map((index) => ({ ...index })))
}

/** Several records of one chain may be due; so many documents are looked at for one chain of the answer at most. */
const RECORDS_FOR_ONE = 4

/** The chains that have a record which is due at or before `before`, the longest due first. */
export async function findDue(chains: Chains, before: number, limit: number): Promise<readonly string[]> {
  const found = chains
    .find<Pick<ChainDocument, '_id'>>(
      { due: { $lte: before } },
      { projection: { _id: 1 }, sort: { due: 1 }, limit: limit * RECORDS_FOR_ONE },
    )
    .map(({ _id }) => chainOf(_id))
  return [...new Set(await found.toArray())].slice(0, limit)
}
