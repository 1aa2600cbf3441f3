import { sleep, type Timers } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { INDEX_EMPTIED_WAIT } from '../../core/timing.ts'
import type { IndexKeys } from '../../platform/redis/index-keys.ts'

export interface IndexCheck {
  /** Empty it. */
  readonly emptyIndex: boolean
  readonly timers: Timers
  readonly log: Log
}

/**
 * An index that remembers is of another past than a store that is put back. Throws ConfigInvalid when it has anything and may not be emptied, or when something fills it
 * again at once: a host or an operator that still runs. Closes it.
 */
export async function requireEmptyIndex(index: IndexKeys, { emptyIndex, timers, log }: IndexCheck): Promise<void> {
  try {
    const found = await index.any()
    if (found !== undefined && !emptyIndex) throw refused(`an index with ${found}`, 'stop everything and give --empty-index')
    if (found !== undefined) log.warn({ keys: await index.removeAll() }, 'the index was emptied')
    await sleep(timers, INDEX_EMPTIED_WAIT)
    const filled = await index.any()
    if (filled !== undefined)
      throw refused(`an index into which somebody writes ${filled}`, 'stop all hosts, operators and allocators first')
  } finally {
    index.close()
  }
}

function refused(found: string, todo: string): BailiwickError {
  return new BailiwickError('ConfigInvalid', { asked: 'a restore', found, todo })
}
