import { findHead } from './chain-head.ts'
import type { Step } from './documents.ts'
import { dropUnraised, ensureFloor, raiseFloor, readFloor, readSwept, writeSwept } from './floor.ts'
import { deleteSeen, nonceOf, SWEEP_AT_ONCE, seenFrom, sweep } from './sweep.ts'

/**
 * Raises the floor to `below` (at most to the head), then deletes what is under it, also what an earlier prune that was cut short left. It may meet a removal (remove.ts), and may go on when the chain has begun a new life
 * behind that. So it raises only the floor document that was there before it saw, once more, the head by which it does so: a floor behind which there is no record would say that the chain is damaged.
 */
export async function pruneChain(step: Step, chain: string, below: number): Promise<void> {
  const head = await step((chains) => findHead(chains, chain))
  if (head === undefined) return
  const target = Math.min(below, head.n)
  const [known, swept] = await step((chains) => Promise.all([readFloor(chains, chain), readSwept(chains, chain)]))
  const from = swept.of === known.token ? swept.swept : 1
  if (target <= from) return
  const floor = known.there ? known : await step((chains) => ensureFloor(chains, chain))
  if (!floor.there) return
  const [nonce, seen] = await step((chains) => Promise.all([nonceOf(chains, chain, head.n), seenFrom(chains, chain, from, target)]))
  // Else it was removed, or others pruned further than this.
  if (nonce === undefined || nonce !== head.document.nonce) return step((chains) => dropUnraised(chains, chain, floor))
  if (!(await step((chains) => raiseFloor(chains, chain, floor, target)))) return
  await step((chains) => deleteSeen(chains, chain, seen))
  if (!(await sweep(step, chain, floor, from + SWEEP_AT_ONCE, target))) return
  await step((chains) => writeSwept(chains, chain, floor, target))
}
