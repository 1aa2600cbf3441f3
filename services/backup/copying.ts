import { createHash, type Hash } from 'node:crypto'
import { BailiwickError, isCode } from '../../core/errors.ts'
import type { ArchivedStore } from '../../core/ports/store-archive-port.ts'
import type { ChainEntry } from '../../core/ports/store-port.ts'
import type { Spool } from './spool.ts'

/** Names in one page. */
const NAMES = 500
/** Records in one page: each may have 12 MiB. */
const RECORDS = 4
/** … or so many without their blobs. */
const BARE_RECORDS = 200
/** A chain that is pruned while it is read is read again, so often. */
const READS = 10

/** The name of every chain of the store. */
export async function* chainNames(store: ArchivedStore): AsyncIterable<string> {
  for (let after: string | undefined; ; ) {
    const page = await store.chains(after, NAMES)
    yield* page
    after = page.at(-1)
    if (after === undefined) return
  }
}

/** The records of a chain, page by page. Throws StoreCorrupt for a hole. */
export async function* recordsOf(store: ArchivedStore, chain: string, which?: 'withoutBlobs'): AsyncIterable<ChainEntry> {
  let next: number | undefined
  for (;;) {
    const page = await store.read(chain, next ?? 1, which === undefined ? RECORDS : BARE_RECORDS, which)
    for (const entry of page) {
      if (next !== undefined && entry.n !== next) throw hole(chain, next, entry.n)
      next = entry.n + 1
      yield entry
    }
    if (page.length === 0) return
  }
}

/**
 * What a chain has of use, without holes and in one piece although others append and prune: of a layer the two newest snapshots and what is behind them, of any other chain all. A page of it
 * is in memory; a longer chain is kept in the spool until its last record is read. Throws StoreCorrupt.
 */
export async function* recordsInUse(store: ArchivedStore, chain: string, spool: Spool): AsyncIterable<ChainEntry> {
  yield* (await gatherPatiently(store, chain, spool)) ?? spool.entries(RECORDS)
}

async function gatherPatiently(store: ArchivedStore, chain: string, spool: Spool): Promise<readonly ChainEntry[] | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await gather(store, chain, spool)
    } catch (error) {
      if (!isCode(error, 'StoreCorrupt') || attempt === READS) throw error
    }
  }
}

/** The records, when they are a page only; else they are in the spool. */
async function gather(store: ArchivedStore, chain: string, spool: Spool): Promise<readonly ChainEntry[] | undefined> {
  let spooling = false
  for await (const { records, last } of pagesInUse(store, chain)) {
    if (last && !spooling) return records
    if (!spooling) await spool.empty()
    spooling = true
    for (const entry of records) await spool.add(entry)
  }
  return spooling ? undefined : []
}

interface Page {
  readonly records: readonly ChainEntry[]
  readonly last: boolean
}

/** Up to the end that the chain has now. Throws StoreCorrupt when it is pruned meanwhile. */
async function* pagesInUse(store: ArchivedStore, chain: string): AsyncIterable<Page> {
  const from = chain.startsWith('layer/') ? await secondNewestSnapshot(store, chain) : 1
  const end = (await store.head(chain))?.n ?? 0
  let begun = false
  for (let next = from; next <= end; ) {
    const records = await store.read(chain, next, Math.min(RECORDS, end - next + 1))
    if (records.length === 0) throw hole(chain, next, end)
    for (const { n } of records) {
      if (begun && n !== next) throw hole(chain, next, n)
      begun = true
      next = n + 1
    }
    yield { records, last: next > end }
  }
}

/** Each record of a layer says where the newest snapshot before it stands; 1 when there are not two. */
async function secondNewestSnapshot(store: ArchivedStore, chain: string): Promise<number> {
  const head = await store.head(chain)
  if (head === undefined) return 1
  const newest = head.kind === 'snapshot' ? head.n : pointer(head)
  if (newest === 0) return 1
  const [snapshot] = await store.read(chain, newest, 1, 'withoutBlobs')
  return (snapshot?.n === newest && pointer(snapshot)) || newest
}

function pointer({ data }: ChainEntry): number {
  const last = data['lastSnapshot']
  return typeof last === 'number' ? last : 0
}

/** Puts records, which have no hole, into a chain that has none. Throws StoreCorrupt when somebody else writes that chain. */
export async function putChain(
  store: ArchivedStore,
  chain: string,
  entries: Iterable<ChainEntry> | AsyncIterable<ChainEntry>,
): Promise<number> {
  let count = 0
  for await (const entry of entries) {
    const { n, nonce, ...record } = entry
    const answer = await (count === 0 ? store.plant(chain, entry) : store.append(chain, n, nonce, record))
    if (answer !== 'Done')
      throw new BailiwickError('StoreCorrupt', {
        asked: `record ${n} of ${chain}`,
        found: 'another in its place',
        todo: 'nothing else may write to it',
      })
    count += 1
  }
  return count
}

/** What a store holds, counted and hashed in the order of its chains. */
export interface Contents {
  readonly chains: number
  readonly records: number
  readonly bytes: number
  /** SHA-256 over every record: 64 hexadecimal digits. */
  readonly digest: string
}

/** Reads all of the store but the chain `without`. */
export async function contentsOf(store: ArchivedStore, without: string): Promise<Contents> {
  const hash = createHash('sha256')
  let [chains, records, bytes] = [0, 0, 0]
  for await (const chain of chainNames(store)) {
    if (chain === without) continue
    chains += 1
    for await (const entry of recordsOf(store, chain)) {
      records += 1
      bytes += digestOne(hash, chain, entry)
    }
  }
  return { chains, records, bytes, digest: hash.digest('hex') }
}

/** SHA-256 over the records of one chain. */
export async function digestOf(store: ArchivedStore, chain: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const entry of recordsOf(store, chain)) digestOne(hash, chain, entry)
  return hash.digest('hex')
}

function digestOne(hash: Hash, chain: string, { n, nonce, kind, data, blob, due }: ChainEntry): number {
  const text = JSON.stringify([chain, n, nonce, kind, data, due ?? null, blob?.byteLength ?? -1])
  hash.update(text)
  if (blob !== undefined) hash.update(blob)
  return text.length + (blob?.byteLength ?? 0)
}

function hole(chain: string, asked: number, found: number): BailiwickError {
  return new BailiwickError('StoreCorrupt', { asked: `record ${asked} of ${chain}`, found: `record ${found} in its place` })
}
