import type { DueKind } from '../../core/chains.ts'
import type { ArchivedStore } from '../../core/ports/store-archive-port.ts'
import type { ChainEntry } from '../../core/ports/store-port.ts'
import { checkDue, checkPlace, encodeAppend, MAX_READ } from '../../core/store-record.ts'
import { STORE_CALL_DEADLINE } from '../../core/timing.ts'
import { appendRecord } from './append.ts'
import { chainNames, plantRecord } from './archive.ts'
import { begun, ROUNDS } from './begun.ts'
import { findHead } from './chain-head.ts'
import { createConnection } from './connection.ts'
import type { ChainDocument, Step } from './documents.ts'
import { collectionName, entryOf, recordId } from './documents.ts'
import { REMOVED, readFloor } from './floor.ts'
import { ensureIndexes, findDue } from './indexes.ts'
import { pruneChain } from './prune.ts'
import { finishRemoval, removeChain } from './remove.ts'
import { deleteSeen } from './sweep.ts'

export interface MongoOptions {
  /** mongodb:// or mongodb+srv:// */
  readonly url: string
  readonly database: string
  /** Default: STORE_CALL_DEADLINE. */
  readonly deadlineMs?: number
  /**
   * Kinds of chains that will be asked for by what is due: `ping` does not answer before their indexes are there, so that a program whose indexes can not be built is not ready, and says why.
   * Default: none; `due` itself makes the one that it needs.
   */
  readonly dueKinds?: readonly DueKind[]
}

/** So many records, each up to 12 MiB, are in memory at once while a range is read … */
const READ_AT_ONCE = 8
/** … or so many without their blobs. */
const BARE_AT_ONCE = 64
const WITHOUT_BLOBS = { projection: { blob: 0 } } as const

/**
 * The store in MongoDB (or what speaks its protocol): majority writes and reads, no transactions, no conditional updates (but of floors, by which document they are: floor.ts). Connects when first
 * used, and again whenever the connection is lost. Throws ConfigInvalid for a URL that can't be read.
 */
export function createMongoStore(options: MongoOptions): ArchivedStore {
  const { url, database } = options
  const connection = createConnection({ url, database, deadlineMs: options.deadlineMs ?? STORE_CALL_DEADLINE })
  const stepsOn = (asked: string, chain: string): Step => {
    return (work) => connection.run(`${asked} ${chain}`, (db) => work(db.collection<ChainDocument>(collectionName(chain))))
  }
  const indexed = new Set<string>()
  const ensureIndexed = async (kind: string): Promise<void> => {
    // Once: they stay.
    if (!indexed.has(kind)) await stepsOn('indexes for what is due of', `${kind}/`)(ensureIndexes)
    indexed.add(kind)
  }
  return {
    async append(chain, n, nonce, record) {
      const data = encodeAppend(chain, n, nonce, record)
      return begun(stepsOn(`append ${n} to`, chain), chain, (chains) => appendRecord(chains, chain, n, nonce, record, data))
    },
    async head(chain) {
      checkPlace(chain, 1)
      const head = await stepsOn('head of', chain)((chains) => findHead(chains, chain))
      return head === undefined ? undefined : entryOf(chain, head.n, head.document)
    },
    async read(chain, from, limit, which) {
      checkPlace(chain, from)
      return readRange(stepsOn('read of', chain), chain, { from, limit: Math.min(limit, MAX_READ), bare: which === 'withoutBlobs' })
    },
    async due(kind, before, limit) {
      checkDue(kind, before)
      const atMost = Math.min(limit, MAX_READ)
      if (atMost < 1) return []
      await ensureIndexed(kind)
      for (let round = 1; ; round++) {
        const found = await stepsOn('what is due of', `${kind}/`)((chains) => findDue(chains, before, atMost))
        for (const chain of found.removed) await finishRemoval(stepsOn('removal of', chain), chain)
        for (const { chain, ...record } of found.pruned) await stepsOn('prune of', chain)((chains) => deleteSeen(chains, chain, [record]))
        // What is left of removed chains and of pruned records took the place of what is due.
        if (found.removed.length + found.pruned.length === 0 || found.chains.length > 0 || round === ROUNDS) return found.chains
      }
    },
    async prune(chain, below) {
      checkPlace(chain, Math.max(1, below))
      await pruneChain(stepsOn('prune of', chain), chain, below)
    },
    async remove(chain, n) {
      checkPlace(chain, n)
      return removeChain(stepsOn('removal of', chain), chain, n)
    },
    async chains(after, limit, kind) {
      return chainNames((work) => connection.run('names of chains', work), after, Math.min(limit, MAX_READ), kind)
    },
    async plant(chain, { n, nonce, ...record }) {
      const data = encodeAppend(chain, n, nonce, record)
      return begun(stepsOn(`first record ${n} of`, chain), chain, (chains) => plantRecord(chains, chain, { n, nonce, record, data }))
    },
    async ping() {
      await Promise.all((options.dueKinds ?? []).map(ensureIndexed))
      await connection.run('ping', (db) => db.command({ ping: 1 }))
    },
    close: () => connection.close(),
  }
}

interface Range {
  readonly from: number
  readonly limit: number
  /** Without blobs. */
  readonly bare: boolean
}

/** The deadline is for each step: a long range may take longer than one answer. */
async function readRange(step: Step, chain: string, { from, limit, bare }: Range): Promise<ChainEntry[]> {
  const entries: ChainEntry[] = []
  const atOnce = bare ? BARE_AT_ONCE : READ_AT_ONCE
  const options = bare ? WITHOUT_BLOBS : {}
  const first = await step((chains) => readFloor(chains, chain))
  if (first.floor === REMOVED) return []
  let n = Math.max(from, first.floor)
  while (entries.length < limit) {
    const numbers = Array.from({ length: Math.min(atOnce, limit - entries.length) }, (_, i) => n + i)
    const documents = await step((chains) =>
      Promise.all(numbers.map((number) => chains.findOne({ _id: recordId(chain, number) }, options))),
    )
    documents.forEach((document, i) => {
      if (document !== null) entries.push(entryOf(chain, n + i, document))
    })
    n += numbers.length
    if (documents.at(-1) !== null) continue
    // Absent at the end: the chain ends here, or others pruned up to here meanwhile.
    const { floor } = await step((chains) => readFloor(chains, chain))
    if (floor === REMOVED) return []
    if (floor < n) break
    n = floor
  }
  return entries
}
