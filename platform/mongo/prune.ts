import { findHead } from './chain-head.ts'
import { isDuplicate } from './connection.ts'
import type { ChainDocument, Chains, Step } from './documents.ts'
import { floorId, recordId } from './documents.ts'

const DELETE_AT_ONCE = 16

/** Raises the floor to `below` (at most to the head), then deletes what is under it, also what an earlier prune that was cut short left. */
export async function pruneChain(step: Step, chain: string, below: number): Promise<void> {
  const head = await step((chains) => findHead(chains, chain))
  const target = Math.min(below, head?.n ?? 1)
  const before = await step((chains) => chains.findOne({ _id: floorId(chain) }))
  const swept = before?.swept ?? 1
  if (target <= swept) return
  await step((chains) => raise(chains, chain, target))
  for (let n = swept; n < target; n += DELETE_AT_ONCE) {
    const numbers = Array.from({ length: Math.min(DELETE_AT_ONCE, target - n) }, (_, i) => n + i)
    await step((chains) => Promise.all(numbers.map((number) => chains.deleteOne({ _id: recordId(chain, number) }))))
  }
  await step((chains) => change(chains, chain, { swept: target }))
}

/** Not left before it was read back: a server whose $max is not atomic may have lost it to another's. */
async function raise(chains: Chains, chain: string, target: number): Promise<void> {
  for (;;) {
    await change(chains, chain, { floor: target })
    if (((await chains.findOne({ _id: floorId(chain) }))?.floor ?? 1) >= target) return
  }
}

async function change(chains: Chains, chain: string, fields: Pick<ChainDocument, 'floor' | 'swept'>): Promise<void> {
  try {
    await chains.updateOne({ _id: floorId(chain) }, { $max: fields }, { upsert: true })
  } catch (error) {
    if (!isDuplicate(error)) throw error
    await chains.updateOne({ _id: floorId(chain) }, { $max: fields })
  }
}
