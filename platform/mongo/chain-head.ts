import { corrupt } from '../../core/store-record.ts'
import type { ChainDocument, Chains } from './documents.ts'
import { hintId, recordId } from './documents.ts'
import { isUnchanged, REMOVED, readFloor } from './floor.ts'

/** How far ahead one round looks while the hint is behind. */
const STRIDES = [1, 2, 4, 8, 16, 32, 64] as const

export interface FoundHead {
  readonly n: number
  readonly document: ChainDocument
}

/**
 * The newest record of a chain, found by equality alone. Numbers are taken without holes, so a number that is absent shows that every
 * record that was there before the call is below it; what is below the floor may be gone. Undefined for an empty chain, and for a removed one. Throws StoreCorrupt for a floor behind which there is nothing.
 */
export async function findHead(chains: Chains, chain: string): Promise<FoundHead | undefined> {
  const [known, first] = await Promise.all([chains.findOne({ _id: hintId(chain) }), readFloor(chains, chain)])
  let hint = known?.head ?? 1
  for (let floor = first; floor.floor !== REMOVED; ) {
    const found = await climb(chains, chain, Math.max(floor.floor, hint))
    if (found !== undefined) return found
    const now = await readFloor(chains, chain)
    if (hint > floor.floor) {
      // Of an earlier life of the chain, or of a database that was put back in part: the only hints without their record.
      hint = 1
    } else if (isUnchanged(floor, now)) {
      if (floor.floor === 1) return undefined
      throw corrupt(chain, floor.floor)
    }
    // Else: others appended and pruned past the start meanwhile; the floor, which they raised first, says how far.
    floor = now
  }
  return undefined
}

async function climb(chains: Chains, chain: string, start: number): Promise<FoundHead | undefined> {
  let n = start
  for (;;) {
    const [document, next] = await Promise.all([chains.findOne({ _id: recordId(chain, n) }), exists(chains, recordId(chain, n + 1))])
    if (!next) return document === null ? undefined : { n, document }
    const there = await Promise.all(STRIDES.map((stride) => exists(chains, recordId(chain, n + stride))))
    n += STRIDES.findLast((_, i) => there[i] === true) ?? 1
  }
}

/** True when a document of this id is there. */
export async function exists(chains: Chains, id: string): Promise<boolean> {
  return (await chains.findOne({ _id: id }, { projection: { _id: 1 } })) !== null
}
