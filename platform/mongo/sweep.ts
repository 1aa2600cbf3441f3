import type { ChainDocument, Chains, Step } from './documents.ts'
import { numberOf, recordId } from './documents.ts'
import type { Floor } from './floor.ts'
import { isStill } from './floor.ts'

/** Records that are deleted at once. */
export const SWEEP_AT_ONCE = 16

/** The character behind '9'. */
const BEHIND_DIGITS = ':'

/** A record as it was read: it is deleted as this one, or not at all. */
export interface Seen {
  readonly n: number
  readonly nonce: string
}

/** Those of the numbers from `from` on, below `end` and so many that they are deleted at once, that have records. */
export async function seenFrom(chains: Chains, chain: string, from: number, end: number): Promise<readonly Seen[]> {
  const numbers = Array.from({ length: Math.max(0, Math.min(SWEEP_AT_ONCE, end - from)) }, (_, i) => from + i)
  const found = await Promise.all(numbers.map((n) => nonceOf(chains, chain, n)))
  return found.flatMap((nonce, i) => (nonce === undefined ? [] : [{ n: from + i, nonce }]))
}

export async function deleteSeen(chains: Chains, chain: string, seen: readonly Seen[]): Promise<void> {
  await Promise.all(seen.map(({ n, nonce }) => chains.deleteOne({ _id: recordId(chain, n), nonce })))
}

/**
 * Deletes the records from `from` on and below `end`, which are all below this very floor. A new life of the chain begins when the floor document of the one before is gone, so what was seen before that was still there is of
 * the life that is swept, and nothing else is deleted, however late this goes on. False: it is gone, and what is left to do was done by another.
 */
export async function sweep(step: Step, chain: string, floor: Floor, from: number, end: number): Promise<boolean> {
  for (let n = from; n < end; n += SWEEP_AT_ONCE) {
    const seen = await step((chains) => seenFrom(chains, chain, n, end))
    if (!(await step((chains) => isStill(chains, chain, floor)))) return false
    await step((chains) => deleteSeen(chains, chain, seen))
  }
  return true
}

/**
 * Deletes every record of a removed chain, as above. Those that are there are asked for, and not the numbers from where a prune left off: who inserted a number that was pruned meanwhile and died before taking it back left a record
 * below the floor, which would be a chain again as soon as the floor is gone.
 */
export async function sweepAll(step: Step, chain: string, floor: Floor): Promise<boolean> {
  for (;;) {
    const seen = await step((chains) => anySeen(chains, chain))
    if (seen.length === 0) return true
    if (!(await step((chains) => isStill(chains, chain, floor)))) return false
    await step((chains) => deleteSeen(chains, chain, seen))
    if (seen.length < SWEEP_AT_ONCE) return true
  }
}

/** Some of the records of a chain, in the order of the index of `_id`. */
async function anySeen(chains: Chains, chain: string): Promise<readonly Seen[]> {
  const range = { _id: { $gt: `${chain}#`, $lt: `${chain}#${BEHIND_DIGITS}` } }
  const found = await chains
    .find<Pick<ChainDocument, '_id' | 'nonce'>>(range, { projection: { _id: 1, nonce: 1 }, limit: SWEEP_AT_ONCE })
    .toArray()
  return found.flatMap(({ _id, nonce }) => (nonce === undefined ? [] : [{ n: numberOf(_id), nonce }]))
}

/** The nonce of the record that has the number; undefined: none has. */
export async function nonceOf(chains: Chains, chain: string, n: number): Promise<string | undefined> {
  return (await chains.findOne({ _id: recordId(chain, n) }, { projection: { nonce: 1 } }))?.nonce
}
