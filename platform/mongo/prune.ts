import { findHead } from './chain-head.ts'
import { isDuplicate } from './connection.ts'
import type { ChainDocument, Chains, Step } from './documents.ts'
import { floorId, recordId, sweptId } from './documents.ts'

const DELETE_AT_ONCE = 16

/** Raises the floor to `below` (at most to the head), then deletes what is under it, also what an earlier prune that was cut short left. */
export async function pruneChain(step: Step, chain: string, below: number): Promise<void> {
  const head = await step((chains) => findHead(chains, chain))
  const target = Math.min(below, head?.n ?? 1)
  const swept = (await step((chains) => chains.findOne({ _id: sweptId(chain) })))?.swept ?? 1
  if (target <= swept) return
  await step((chains) => raise(chains, chain, target))
  for (let n = swept; n < target; n += DELETE_AT_ONCE) {
    const numbers = Array.from({ length: Math.min(DELETE_AT_ONCE, target - n) }, (_, i) => n + i)
    await step((chains) => Promise.all(numbers.map((number) => chains.deleteOne({ _id: recordId(chain, number) }))))
  }
  await step((chains) => raiseField(chains, sweptId(chain), { swept: target }))
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
