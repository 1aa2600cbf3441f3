import type { Db } from 'mongodb'
import type { StoredRecord } from '../../core/ports/store-port.ts'
import { appendRecord } from './append.ts'
import { exists } from './chain-head.ts'
import type { ChainDocument, Chains } from './documents.ts'
import { chainOf, collectionName, floorId, recordId } from './documents.ts'
import { ensureFloor, REMOVED, raiseFloor, readFloor, readFloors, writeSwept } from './floor.ts'

/** Documents looked at in one query: several are of one chain. */
const PAGE = 1_000
/** Behind every id of a chain. */
const LAST = '\uffff'

/**
 * Names of chains behind `after`: collection by collection, in each by id. Every document of a chain has an id that begins with its name and '#', so they stand together, records before the others. What says nothing of a chain by
 * itself, as a hint that a removal left, makes none. Of one `kind`: a collection is not asked for that needs no looking for, so that who sweeps one kind of chains needs no right to see which collections there are.
 */
export async function chainNames(
  step: <T>(work: (database: Db) => Promise<T>) => Promise<T>,
  after: string | undefined,
  limit: number,
  kind?: string,
): Promise<string[]> {
  const from = after === undefined ? '' : collectionName(after)
  const collections = kind === undefined ? await step(collectionsOf) : [collectionName(`${kind}/`)]
  const names: string[] = []
  for (const collection of collections) {
    if (collection < from || collection.startsWith('system.')) continue
    let last = collection === from ? after : undefined
    while (names.length < limit) {
      const found = await step((database) => pageBehind(database.collection<ChainDocument>(collection), last))
      names.push(...found.names.slice(0, limit - names.length))
      last = found.last
      if (last === undefined) break
    }
  }
  return names
}

async function collectionsOf(database: Db): Promise<string[]> {
  const found = await database.listCollections({}, { nameOnly: true }).toArray()
  return found.map(({ name }) => name).sort()
}

/**
 * What a page of documents says of chains. By the ids alone, which the index has: a record may have 12 MiB, and all that a copy is about would be read from the disk to find its name. Floors are small, and looked at.
 * A floor that was raised makes a chain, too: without records it is a damaged one, which is not to be passed over.
 */
async function pageBehind(
  chains: Chains,
  chain: string | undefined,
): Promise<{ readonly names: readonly string[]; readonly last: string | undefined }> {
  const filter = chain === undefined ? {} : { _id: { $gt: `${chain}#${LAST}` } }
  const found = await chains.find<Pick<ChainDocument, '_id'>>(filter, { projection: { _id: 1 }, sort: { _id: 1 }, limit: PAGE }).toArray()
  const ids = found.map(({ _id }) => _id)
  const floors = await readFloors(chains, ids.filter((id) => id === floorId(chainOf(id))).map(chainOf))
  const telling = ids.filter((id) => /#\d+$/.test(id) || (id === floorId(chainOf(id)) && (floors.get(chainOf(id)) ?? 1) > 1))
  const names = [...new Set(telling.map(chainOf))].filter((name) => floors.get(name) !== REMOVED)
  return { names, last: ids.length === 0 ? undefined : chainOf(ids.at(-1) ?? '') }
}

export interface Planted {
  readonly n: number
  readonly nonce: string
  readonly record: StoredRecord
  /** The record's data as it is stored. */
  readonly data: string
}

/** The floor is raised first, as if everything below had been pruned: then the record has a place. 'Removed': as of an append. */
export async function plantRecord(
  chains: Chains,
  chain: string,
  { n, nonce, record, data }: Planted,
): Promise<'Done' | 'Conflict' | 'Removed'> {
  const { floor } = await readFloor(chains, chain)
  if (floor === REMOVED) return 'Removed'
  if (floor !== n) {
    if (floor !== 1 || (await exists(chains, recordId(chain, 1)))) return 'Conflict'
    const made = await ensureFloor(chains, chain)
    await writeSwept(chains, chain, made, n)
    if (!(await raiseFloor(chains, chain, made, n))) return 'Conflict'
  }
  return appendRecord(chains, chain, n, nonce, record, data)
}
