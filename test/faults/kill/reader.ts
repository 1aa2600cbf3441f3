import type { LayerId } from '../../../core/ids.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { createRedisIndex } from '../../../platform/redis/redis-index.ts'
import type { LayerHistory } from '../simulator/history.ts'

/** Entries asked for at once. */
const AT_ONCE = 200

/** Follows a layer's journal and steps each confirmed batch: what comes out is the state of a layer whose process was never killed. */
export class JournalReader {
  readonly url: string
  readonly #index: ZoneIndex
  readonly #layer: LayerId
  readonly #history: LayerHistory

  constructor(url: string, layer: LayerId, history: LayerHistory) {
    this.url = url
    this.#index = createRedisIndex({ url, log: silentLog })
    this.#layer = layer
    this.#history = history
  }

  /** Reads what is new. False: the index did not answer, so there may be more. One that was restarted, and has no owner yet, has nothing new. Throws a Violation. */
  async read(): Promise<boolean> {
    for (;;) {
      const entries = await this.#next().catch(() => undefined)
      if (entries === undefined) return false
      for (const entry of entries) this.#history.appended(entry)
      if (entries.length === 0) return true
    }
  }

  close(): Promise<void> {
    return this.#index.close()
  }

  async #next() {
    // Nothing is raised to 0: this is how one who owns nothing learns the fence.
    const fence = await this.#index.raiseFence(this.#layer, 0)
    const part = await this.#index.readJournal(this.#layer, fence, this.#history.last, AT_ONCE)
    return typeof part === 'string' ? [] : part.entries
  }
}
