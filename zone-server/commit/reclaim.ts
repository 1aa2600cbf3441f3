import type { Timers } from '../../core/clock.ts'
import { BailiwickError } from '../../core/errors.ts'
import type { ZoneIndex } from '../../core/ports/index-port.ts'
import type { JournalEntry } from '../../core/ports/journal-port.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { readTail } from '../journal-tail.ts'
import type { Lease } from '../lease.ts'
import { retrying } from '../retry.ts'
import type { Kept } from './kept.ts'
import type { LinkedTick, ReclaimOutcome } from './pipeline.ts'

export interface ReclaimDeps {
  readonly lease: Lease
  readonly index: ZoneIndex
  readonly kept: Kept
  readonly log: Log
  readonly timers: Timers
  readonly signal: AbortSignal
  /** Writes everything that is kept into the chain. */
  readonly storeKept: () => Promise<void>
}

/**
 * Claims a new epoch for an owner that has everything in memory, after the index forgot the fence or for new content: a segment of everything confirmed that the
 * store lacks, `open`, fence, head again, a segment of what the journal has besides, then the journal goes on from there. `pending` are the ticks behind `stored`,
 * which is confirmed, or was found and stored by a claim before. Throws LayerLost when another is the owner.
 */
export async function reclaim(pending: readonly LinkedTick[], stored: number, content: string, deps: ReclaimDeps): Promise<ReclaimOutcome> {
  const { lease, index, kept, log, timers, signal, storeKept } = deps
  const before = lease.epoch
  // First of all: an emptied index knows of no owner and may send another here, who then finds in the chain what only we had.
  await storeKept()
  await lease.reopen(content, signal)
  const { layer, epoch, fence } = lease
  log.warn({ layer, before, epoch, stored, pending: pending.length }, 'a new epoch is claimed from memory')
  const options = { what: `the journal of ${layer}`, log, timers, signal }
  const tail = await retrying(() => readTail(layer, fence, stored, index), options)
  if (tail === 'Forked') return { found: 0, forked: true }
  if (tail === 'Fenced') throw replaced(layer, epoch)
  const found = matching(tail, pending)
  // Entries behind what we know that are not ours are another's.
  if (found < tail.length) throw replaced(layer, epoch)
  for (const entry of tail) kept.add(entry)
  await storeKept()
  const started = await retrying(() => index.startJournal(layer, fence, tail.at(-1)?.tick ?? stored), options)
  if (started === 'Fenced') throw replaced(layer, epoch)
  if (started === 'Ahead')
    throw new BailiwickError('InvariantBroken', { asked: `the journal of ${layer}`, found: 'entries that appeared under our own fence' })
  // Found entries stand in the chain behind our `open`, whatever the index forgets next: a further claim goes on behind them, or the chain would hold them twice.
  return { found, forked: started === 'Forked' }
}

/** How many of the journal's entries are our pending ones: appended, but the answer was lost. */
function matching(tail: readonly JournalEntry[], pending: readonly LinkedTick[]): number {
  const differs = tail.findIndex(({ tick, previous, digest }, i) => {
    const own = pending[i]
    return own === undefined || own.tick !== tick || own.previous !== previous || own.digest !== digest
  })
  return differs === -1 ? tail.length : differs
}

function replaced(layer: string, epoch: number): BailiwickError {
  return new BailiwickError('LayerLost', { asked: `layer ${layer} in epoch ${epoch}`, found: 'a journal that another owner goes on with' })
}
