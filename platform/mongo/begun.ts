import type { Chains, Step } from './documents.ts'
import { finishRemoval } from './remove.ts'

/** So often is tried again what came upon a chain whose removal was not over. */
export const ROUNDS = 4

/** A chain that is removed is so in all of its documents before a new one begins. */
export async function begun(
  step: Step,
  chain: string,
  write: (chains: Chains) => Promise<'Done' | 'Conflict' | 'Removed'>,
): Promise<'Done' | 'Conflict'> {
  for (let round = 1; ; round++) {
    const answer = await step(write)
    if (answer !== 'Removed') return answer
    // It was made and removed again so often meanwhile: others have it.
    if (round === ROUNDS) return 'Conflict'
    await finishRemoval(step, chain)
  }
}
