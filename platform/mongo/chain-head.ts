import { corrupt } from '../../core/store-record.ts'
import type { ChainDocument, Chains } from './documents.ts'
import { hintId, recordId } from './documents.ts'
import { type Floor, isUnchanged, REMOVED, readFloor } from './floor.ts'

/** How far ahead one round looks while the hint is behind. */
const STRIDES = [1, 2, 4, 8, 16, 32, 64] as const

export interface FoundHead {
  readonly n: number
  readonly document: ChainDocument
}

/**
 * The newest record of a chain: the one that is there, is not below the floor, and has none behind it. Numbers are taken without holes, so a number that is absent shows that every record that was there before is below it; what is
 * below the floor may be gone, or may be what somebody inserted too late and is about to take back (append.ts), which is why the floor is read behind the records, and not before. Where the hint is right, as it nearly always is, four questions in three rounds. Undefined for an empty chain, and for a removed one. Throws StoreCorrupt for a floor behind which there is nothing.
 */
export async function findHead(chains: Chains, chain: string): Promise<FoundHead | undefined> {
  let n = (await chains.findOne({ _id: hintId(chain) }))?.head ?? 1
  for (let before: Floor | undefined; ; ) {
    const { document, next, floor } = await lookAt(chains, chain, n)
    if (floor.floor === REMOVED) return undefined
    // The hint is behind, or others pruned past here meanwhile: who raised the floor saw a record that high.
    if (n < floor.floor) n = floor.floor
    else if (next) n = await farthest(chains, chain, n)
    else if (document !== undefined) return { n, document }
    // A hint of an earlier life of the chain, or of a database that was put back in part; or others pruned, and removed it, since it was seen that there is one so high.
    else if (n > floor.floor) n = floor.floor
    else if (n === 1) return undefined
    // Seen twice: it is no other life of the chain than that of which the record was missing.
    else if (before !== undefined && isUnchanged(before, floor)) throw corrupt(chain, n)
    else before = floor
  }
}

interface Look {
  readonly document: ChainDocument | undefined
  /** There is a record behind it. */
  readonly next: boolean
  /** As it was behind the reads of the records. */
  readonly floor: Floor
}

/** The record, whether one is behind it, and then the floor: so what it says holds for them. */
async function lookAt(chains: Chains, chain: string, n: number): Promise<Look> {
  const [document, next] = await Promise.all([chains.findOne({ _id: recordId(chain, n) }), exists(chains, recordId(chain, n + 1))])
  return { document: document ?? undefined, next, floor: await readFloor(chains, chain) }
}

/** A higher number that has a record, as far as one round looks; there is one behind `n`. */
async function farthest(chains: Chains, chain: string, n: number): Promise<number> {
  const there = await Promise.all(STRIDES.map((stride) => exists(chains, recordId(chain, n + stride))))
  return n + (STRIDES.findLast((_, i) => there[i] === true) ?? 1)
}

/** True when a document of this id is there. */
export async function exists(chains: Chains, id: string): Promise<boolean> {
  return (await chains.findOne({ _id: id }, { projection: { _id: 1 } })) !== null
}
