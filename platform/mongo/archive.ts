import type { Db } from 'mongodb'
import type { StoredRecord } from '../../core/ports/store-port.ts'
import { appendRecord } from './append.ts'
import { exists, floorOf } from './chain-head.ts'
import type { ChainDocument, Chains } from './documents.ts'
import { chainOf, collectionName, floorId, recordId, sweptId } from './documents.ts'
import { raiseField } from './prune.ts'

/** Documents looked at in one query: several are of one chain. */
const PAGE = 1_000
/** Behind every id of a chain. */
const LAST = '\uffff'

/** Names of chains behind `after`: collection by collection, in each by id. Every document of a chain has an id that begins with its name and '#', so they stand together. */
export async function chainNames(
  step: <T>(work: (database: Db) => Promise<T>) => Promise<T>,
  after: string | undefined,
  limit: number,
): Promise<string[]> {
  const from = after === undefined ? '' : collectionName(after)
  const collections = await step((database) => database.listCollections({}, { nameOnly: true }).toArray())
  const names: string[] = []
  for (const collection of collections.map(({ name }) => name).sort()) {
    if (collection < from || collection.startsWith('system.')) continue
    let last = collection === from ? after : undefined
    while (names.length < limit) {
      const ids = await step((database) => idsBehind(database.collection<ChainDocument>(collection), last))
      const found = [...new Set(ids.map(chainOf))].slice(0, limit - names.length)
      names.push(...found)
      last = found.at(-1)
      if (last === undefined) break
    }
  }
  return names
}

async function idsBehind(chains: Chains, chain: string | undefined): Promise<string[]> {
  const filter = chain === undefined ? {} : { _id: { $gt: `${chain}#${LAST}` } }
  const found = await chains.find(filter, { projection: { _id: 1 }, sort: { _id: 1 }, limit: PAGE }).toArray()
  return found.map(({ _id }) => _id)
}

export interface Planted {
  readonly n: number
  readonly nonce: string
  readonly record: StoredRecord
  /** The record's data as it is stored. */
  readonly data: string
}

/** The floor is raised first, as if everything below had been pruned: then the record has a place. */
export async function plantRecord(chains: Chains, chain: string, { n, nonce, record, data }: Planted): Promise<'Done' | 'Conflict'> {
  const floor = await floorOf(chains, chain)
  if (floor !== n) {
    if (floor !== 1 || (await exists(chains, recordId(chain, 1)))) return 'Conflict'
    await raiseField(chains, sweptId(chain), { swept: n })
    await raiseField(chains, floorId(chain), { floor: n })
  }
  return appendRecord(chains, chain, n, nonce, record, data)
}
