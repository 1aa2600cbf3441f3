import { findHead } from './chain-head.ts'
import { floorId, hintId, recordId, type Step, sweptId } from './documents.ts'
import { raiseField } from './prune.ts'

const DELETE_AT_ONCE = 16

/**
 * Deletes every document of a chain whose head is `n`. In an order in which whoever looks meanwhile, or after a death in between, finds that head or none: the hint first says where it is, for without a floor nothing
 * else does; the floor goes before the record, for a floor without a record behind it is what is left of a damaged chain. At most a hint is left behind, which says nothing. No floor is raised here: of two who remove the
 * chain at once one might raise it behind the other. A prune that goes on meanwhile may raise it: it is deleted once more behind the record, and by a prune that comes later still (prune.ts).
 */
export async function removeChain(step: Step, chain: string, n: number): Promise<'Done' | 'Conflict'> {
  const head = await step((chains) => findHead(chains, chain))
  if (head === undefined) return 'Done'
  if (head.n !== n) return 'Conflict'
  await step((chains) => raiseField(chains, hintId(chain), { head: n }))
  const swept = (await step((chains) => chains.findOne({ _id: sweptId(chain) })))?.swept ?? 1
  for (let from = swept; from < n; from += DELETE_AT_ONCE) {
    const numbers = Array.from({ length: Math.min(DELETE_AT_ONCE, n - from) }, (_, i) => from + i)
    await step((chains) => Promise.all(numbers.map((number) => chains.deleteOne({ _id: recordId(chain, number) }))))
  }
  const [helps, record] = [[sweptId(chain), floorId(chain)], recordId(chain, n)]
  for (const _id of [...helps, record, ...helps, hintId(chain)]) await step((chains) => chains.deleteOne({ _id }))
  return 'Done'
}
