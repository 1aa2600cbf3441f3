import { findHead } from './chain-head.ts'
import { hintId, type Step } from './documents.ts'
import { dropFloor, dropSwept, dropUnraised, ensureFloor, type Floor, REMOVED, raiseToRemoved, readFloor } from './floor.ts'
import { nonceOf, sweepAll } from './sweep.ts'

/** Each but the first is of a chain that another removes at the same time. */
const ATTEMPTS = 4

/**
 * Removes a chain whose head is `n`. The first thing that is written decides it: a floor above every number, of this life of the chain (floor.ts). From then on nobody finds the chain, whatever is still there of it, and whatever others
 * still do who found it before; the floor goes last, and only then a new life can begin. Cut short, it is ended by whoever comes upon it: a removal, the first append of a new life, a look for what is due.
 */
export async function removeChain(step: Step, chain: string, n: number): Promise<'Done' | 'Conflict'> {
  let asked: string | undefined
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const head = await step((chains) => findHead(chains, chain))
    if (head === undefined) {
      await finishRemoval(step, chain)
      return 'Done'
    }
    asked ??= head.document.nonce
    // Of the same number, but not the one that was there: a new life, of which nobody asked.
    if (head.n !== n || head.document.nonce !== asked) return 'Conflict'
    const floor = await step((chains) => ensureFloor(chains, chain))
    if (!floor.there) continue
    if ((await step((chains) => nonceOf(chains, chain, n))) !== asked) {
      await step((chains) => dropUnraised(chains, chain, floor))
      continue
    }
    if (!(await step((chains) => raiseToRemoved(chains, chain, floor)))) continue
    await finish(step, chain, floor)
    return 'Done'
  }
  return 'Conflict'
}

/** Ends a removal that was cut short, or that another has under way; of a chain that is not removed it does nothing. */
export async function finishRemoval(step: Step, chain: string): Promise<void> {
  const floor = await step((chains) => readFloor(chains, chain))
  if (floor.floor === REMOVED) await finish(step, chain, floor)
}

async function finish(step: Step, chain: string, floor: Floor): Promise<void> {
  if (!(await sweepAll(step, chain, floor))) return
  await step((chains) => dropSwept(chains, chain, floor))
  await step((chains) => chains.deleteOne({ _id: hintId(chain) }))
  await step((chains) => dropFloor(chains, chain, floor))
  // Of a prune that still saw the floor: one that comes later sees that it is gone.
  await step((chains) => dropSwept(chains, chain, floor))
}
