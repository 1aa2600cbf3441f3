import { sleep, type Timers } from '../../core/clock.ts'
import { describeError, isCode } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { ArchivedStore } from '../../core/ports/store-archive-port.ts'
import { LAYER_RETRY_MAX, LAYER_RETRY_MIN } from '../../core/timing.ts'

/** About a minute in all: a MongoDB elects a new primary within that. */
const ATTEMPTS = 15

/** The same store, which asks again when it is not answered, with waits that double. Every call of it may be repeated: appends carry their nonce. */
export function patientStore(store: ArchivedStore, timers: Timers, log: Log): ArchivedStore {
  const patiently = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    let wait = LAYER_RETRY_MIN
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        if (!isCode(error, 'StoreUnavailable') || attempt === ATTEMPTS) throw error
        log.warn({ what, attempt, detail: describeError(error) }, 'will be tried again')
        await sleep(timers, wait * (0.5 + timers.random() / 2))
        wait = Math.min(wait * 2, LAYER_RETRY_MAX)
      }
    }
  }
  return {
    append: (chain, n, nonce, record) => patiently(`append to ${chain}`, () => store.append(chain, n, nonce, record)),
    plant: (chain, entry) => patiently(`first record of ${chain}`, () => store.plant(chain, entry)),
    head: (chain) => patiently(`head of ${chain}`, () => store.head(chain)),
    read: (chain, from, limit, which) => patiently(`read of ${chain}`, () => store.read(chain, from, limit, which)),
    chains: (after, limit, kind) => patiently('names of chains', () => store.chains(after, limit, kind)),
    due: (kind, before, limit) => patiently(`what is due of ${kind}`, () => store.due(kind, before, limit)),
    prune: (chain, below) => patiently(`prune of ${chain}`, () => store.prune(chain, below)),
    remove: (chain, n) => patiently(`removal of ${chain}`, () => store.remove(chain, n)),
    ping: () => patiently('ping', () => store.ping()),
    close: () => store.close(),
  }
}
