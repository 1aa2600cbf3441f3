import { BailiwickError } from '../../../core/errors.ts'
import type { LayerId } from '../../../core/ids.ts'
import type { ChainEntry, Store, StoredRecord } from '../../../core/ports/store-port.ts'
import { STORE_CALL_DEADLINE } from '../../../core/timing.ts'
import type { LayerHistory } from './history.ts'
import type { Kernel } from './kernel.ts'
import { createMemoryStore, type MemoryStore } from './memory-store.ts'
import { type Network, Server } from './network.ts'
import type { Process } from './process.ts'

export interface StoreServerDeps {
  readonly kernel: Kernel
  readonly network: Network
  readonly histories: ReadonlyMap<LayerId, LayerHistory>
  readonly onViolation: (error: unknown) => void
  /** A check that is left out, to see whether that is found. */
  readonly without?: string | undefined
}

/** The store as a server behind a network. It never loses what it answered Done to: that is what a store is. */
export class StoreServer {
  readonly server: Server
  readonly store: MemoryStore = createMemoryStore()
  readonly #deps: StoreServerDeps

  constructor(deps: StoreServerDeps) {
    this.#deps = deps
    this.server = new Server('store', deps.kernel)
  }

  portOf(caller: Process): Store {
    const { store } = this
    const call = <T>(what: string, work: () => Promise<T>): Promise<T> =>
      this.#deps.network.call(caller, this.server, work, {
        what,
        deadlineMs: STORE_CALL_DEADLINE,
        late: () => new BailiwickError('StoreUnavailable', { asked: what }),
      })
    // Who opened a layer and looks again sees what it wrote, whoever came after: as if it had not looked.
    const opened = new Map<string, ChainEntry>()
    return {
      append: async (chain, n, nonce, record) => {
        const answer = await call(`append ${chain} ${n} ${record.kind}`, async () => {
          const before = (await store.head(chain))?.n ?? 0
          const answer = await store.append(chain, n, nonce, record)
          if (answer === 'Conflict') this.#deps.kernel.note(`  ${chain} ${n}: Conflict`)
          else if (n > before) this.#check(chain, nonce, record)
          return answer
        })
        if (this.#deps.without === 'headAgain' && record.kind === 'open' && answer === 'Done') opened.set(chain, { ...record, n, nonce })
        return answer
      },
      head: async (chain) => {
        const seen = opened.get(chain)
        opened.delete(chain)
        return seen ?? call(`head ${chain}`, () => store.head(chain))
      },
      read: (chain, from, limit, which) => call(`read ${chain} ${from}`, () => store.read(chain, from, limit, which)),
      due: (kind, before, limit) => call(`what is due of ${kind}`, () => store.due(kind, before, limit)),
      prune: (chain, below) => call(`prune ${chain} ${below}`, () => store.prune(chain, below)),
      remove: (chain, n) => call(`remove ${chain} ${n}`, () => store.remove(chain, n)),
      ping: () => call('ping', () => store.ping()),
      close: async () => undefined,
    }
  }

  /** What a record means to the histories of the layers. */
  #check(chain: string, nonce: string, { kind, data }: StoredRecord): void {
    try {
      if (chain.startsWith('layer/')) {
        const history = this.#deps.histories.get(chain.slice('layer/'.length) as LayerId)
        // A snapshot may be of a later tick than its newest entry: nothing happened in between.
        if (kind === 'snapshot') history?.stored(Number(data['entry']), kind)
        if (kind === 'segment') history?.stored(Number(data['to']), kind)
      } else if (chain.startsWith('character/') && kind === 'released' && this.#deps.without !== 'outbox') {
        // The nonce of a release says where it comes from: layer/tick/k.
        const [, layer, tick] = /^(.*)\/(\d+)\/\d+$/.exec(nonce) ?? []
        if (layer !== undefined) this.#deps.histories.get(layer as LayerId)?.exited(Number(tick), chain)
      }
    } catch (error) {
      this.#deps.onViolation(error)
    }
  }
}
