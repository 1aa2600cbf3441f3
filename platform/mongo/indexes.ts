import type { IndexDescription } from 'mongodb'
import type { ChainDocument, Chains } from './documents.ts'
import { chainOf, numberOf } from './documents.ts'
import { REMOVED, readFloors } from './floor.ts'
import type { Seen } from './sweep.ts'

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
  /** Records below the floors of their chains: a prune that was cut short left them, or an append that the server did so late that nobody waited for it any more. No prune that has been there comes again: they would be due for ever. */
  readonly pruned: readonly (Seen & { readonly chain: string })[]
}

type DueDocument = Pick<ChainDocument, '_id' | 'nonce' | 'floor'>

export async function findDue(chains: Chains, before: number, limit: number): Promise<Due> {
  const found = await chains
    .find<DueDocument>(
      { due: { $lte: before } },
      { projection: { _id: 1, nonce: 1, floor: 1 }, sort: { due: 1 }, limit: limit * RECORDS_FOR_ONE },
    )
    .toArray()
  const removed = new Set(found.filter(({ floor }) => floor === REMOVED).map(({ _id }) => chainOf(_id)))
  const records = found.flatMap(({ _id, nonce }) => (nonce === undefined ? [] : [{ chain: chainOf(_id), n: numberOf(_id), nonce }]))
  const floors = await readFloors(chains, [...new Set(records.map(({ chain }) => chain)).difference(removed)])
  const isPruned = ({ chain, n }: { chain: string; n: number }): boolean => n < (floors.get(chain) ?? 1)
  const due = new Set(records.filter((each) => !isPruned(each)).map(({ chain }) => chain)).difference(removed)
  const pruned = records.filter((each) => !removed.has(each.chain) && isPruned(each))
  return { chains: [...due].slice(0, limit), removed: [...removed], pruned }
}
