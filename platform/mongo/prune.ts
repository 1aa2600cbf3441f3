import { exists, findHead, floorOf } from './chain-head.ts'
import { isDuplicate } from './connection.ts'
import type { ChainDocument, Chains, Step } from './documents.ts'
import { floorId, recordId, sweptId } from './documents.ts'

const DELETE_AT_ONCE = 16

/**
 * Raises the floor to `below` (at most to the head), then deletes what is under it, also what an earlier prune that was cut short left. Beside a removal (remove.ts) it takes back what it wrote: a floor behind which
 * there is no record would say that the chain is damaged, for ever.
 */
export async function pruneChain(step: Step, chain: string, below: number): Promise<void> {
  const head = await step((chains) => findHead(chains, chain))
  const target = Math.min(below, head?.n ?? 1)
  const swept = (await step((chains) => chains.findOne({ _id: sweptId(chain) })))?.swept ?? 1
  if (target <= swept) return
  await step((chains) => raise(chains, chain, target))
  if (await step((chains) => isRemoved(chains, chain, target))) return
  for (let n = swept; n < target; n += DELETE_AT_ONCE) {
    const numbers = Array.from({ length: Math.min(DELETE_AT_ONCE, target - n) }, (_, i) => n + i)
    await step((chains) => Promise.all(numbers.map((number) => chains.deleteOne({ _id: recordId(chain, number) }))))
  }
  await step((chains) => raiseField(chains, sweptId(chain), { swept: target }))
  await step(async (chains) => {
    if ((await floorOf(chains, chain)) < target) await chains.deleteOne({ _id: sweptId(chain), swept: target })
  })
}

/**
 * Whether the record at the floor that was just raised went with a removal; then the floor goes again. One that another prune deleted is below a higher floor, which was raised before: that one stays. (Without its floor the chain
 * of a removal that is not over is found by its hint.)
 */
async function isRemoved(chains: Chains, chain: string, target: number): Promise<boolean> {
  if (await exists(chains, recordId(chain, target))) return false
  return (await chains.deleteOne({ _id: floorId(chain), floor: target })).deletedCount > 0
}

/** Not left before it was read back: a server whose $max is not atomic may have lost it to another's. */
async function raise(chains: Chains, chain: string, target: number): Promise<void> {
  for (;;) {
    await raiseField(chains, floorId(chain), { floor: target })
    if (((await chains.findOne({ _id: floorId(chain) }))?.floor ?? 1) >= target) return
  }
}

export async function raiseField(chains: Chains, _id: string, field: Pick<ChainDocument, 'floor' | 'swept' | 'head'>): Promise<void> {
  try {
    await chains.updateOne({ _id }, { $max: field }, { upsert: true })
  } catch (error) {
    if (!isDuplicate(error)) throw error
    await chains.updateOne({ _id }, { $max: field })
  }
}
