import { corrupt } from '../../core/store-record.ts'
import type { ChainDocument, Chains } from './documents.ts'
import { floorId, hintId, recordId } from './documents.ts'

/** How far ahead one round looks while the hint is behind. */
const STRIDES = [1, 2, 4, 8, 16, 32, 64] as const

export interface FoundHead {
  readonly n: number
  readonly document: ChainDocument
}

/**
 * The newest record of a chain, found by equality alone. Numbers are taken without holes, so a number that is absent shows that every
 * record that was there before the call is below it; what is below the floor may be gone. Undefined for an empty chain.
 */
export async function findHead(chains: Chains, chain: string): Promise<FoundHead | undefined> {
  const [known, firstFloor] = await Promise.all([chains.findOne({ _id: hintId(chain) }), floorOf(chains, chain)])
  let hint = known?.head ?? 1
  for (let floor = firstFloor; ; floor = await floorOf(chains, chain)) {
    const start = Math.max(floor, hint)
    const found = await climb(chains, chain, start)
    if (found !== undefined) return found
    if (hint > floor) {
      // Only a database that was put back in part has a hint without its record.
      hint = 1
    } else if ((await floorOf(chains, chain)) === floor) {
      if (floor === 1) return undefined
      throw corrupt(chain, floor)
    }
    // Else: others appended and pruned past the start meanwhile; the floor, which they raised first, says how far.
  }
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

/** Numbers below the answer are taken for ever; 1 when nothing was ever pruned. */
export async function floorOf(chains: Chains, chain: string): Promise<number> {
  return (await chains.findOne({ _id: floorId(chain) }))?.floor ?? 1
}

/** True when a document of this id is there. */
export async function exists(chains: Chains, id: string): Promise<boolean> {
  return (await chains.findOne({ _id: id }, { projection: { _id: 1 } })) !== null
}
