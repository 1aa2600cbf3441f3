import { BailiwickError } from './errors.ts'
import type { ChainEntry, Store, StoredRecord } from './ports/store-port.ts'

/** What a look at a chain's head leads to: a record behind it, or none, and in any case an answer. */
export interface Change<T> {
  readonly record?: StoredRecord
  readonly result: T
}

/** 'again': something else had to be done first, so that the head may be another one now. */
type Decision<T> = Change<T> | 'again'

/** Others may append between our read and our append so often. */
const TRIES = 12
const PRUNE_EVERY = 8

/**
 * Changes a chain whose records are whole, each standing for all before it: `change` looks at the head and says what is appended behind it; it is asked again when somebody else
 * was faster, and may throw. Of two changes at once the insert of the next number decides: what `change` reads elsewhere it reads after the head, and so the answer holds for that head. What is
 * behind the head is dropped now and then, or with `prune: 'always'` each time. Throws Busy when others are always faster; what the store throws.
 */
export async function changeChain<T>(
  store: Store,
  chain: string,
  change: (head: ChainEntry | undefined) => Decision<T> | Promise<Decision<T>>,
  prune: 'sometimes' | 'always' | 'never' = 'sometimes',
): Promise<T> {
  const nonce = crypto.randomUUID()
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const head = await store.head(chain)
    const decision = await change(head)
    if (decision === 'again') continue
    const { record, result } = decision
    const n = (head?.n ?? 0) + 1
    if (record === undefined) {
      // Whoever appended the head may have died before it pruned.
      if (prune === 'always' && n > 2) await store.prune(chain, n - 1)
      return result
    }
    if ((await store.append(chain, n, nonce, record)) === 'Conflict') continue
    // Not each time: it takes as much as all the rest.
    if (n > 1 && (prune === 'always' || (prune === 'sometimes' && n % PRUNE_EVERY === 0))) await store.prune(chain, n)
    return result
  }
  throw new BailiwickError('Busy', {
    asked: chain.split('/')[0] ?? chain,
    found: 'others who change it at once',
    todo: 'try again',
    retryAfterMs: 1_000,
  })
}
