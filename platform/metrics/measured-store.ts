import type { ListedStore } from '../../core/ports/store-archive-port.ts'
import type { Metrics } from './index.ts'

const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** The same store, with the time of each call and whether it was answered among the metrics. A Conflict is an answer. */
export function measuredStore(store: ListedStore, metrics: Metrics): ListedStore {
  const seconds = metrics.histogram(
    'bailiwick_store_call_seconds',
    'Time of a call to the store, by call and whether it was answered',
    BUCKETS,
    ['call', 'answered'],
  )
  const measured = async <T>(call: string, work: Promise<T>): Promise<T> => {
    const began = performance.now()
    let answered = false
    try {
      const answer = await work
      answered = true
      return answer
    } finally {
      seconds.observe((performance.now() - began) / 1_000, { call, answered: String(answered) })
    }
  }
  return {
    append: (chain, n, nonce, record) => measured('append', store.append(chain, n, nonce, record)),
    head: (chain) => measured('head', store.head(chain)),
    read: (chain, from, limit, which) => measured('read', store.read(chain, from, limit, which)),
    due: (kind, before, limit) => measured('due', store.due(kind, before, limit)),
    chains: (after, limit, kind) => measured('chains', store.chains(after, limit, kind)),
    prune: (chain, below) => measured('prune', store.prune(chain, below)),
    remove: (chain, n) => measured('remove', store.remove(chain, n)),
    ping: () => measured('ping', store.ping()),
    close: () => store.close(),
  }
}
